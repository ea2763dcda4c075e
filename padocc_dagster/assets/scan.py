"""The scan report: the files in the order in which they will be concatenated, every one of them opened, and a sample of them tried by
PADOCC: which driver reads them, how many chunks they hold, along which dimension they follow each other, how long it takes.
"""

import dagster as dg

from padocc_dagster.assets import phase_asset
from padocc_dagster.assets.attempt import attempt_of, log_metadata, require
from padocc_dagster.assets.project import project
from padocc_dagster.partitions import project_of
from padocc_dagster.pipeline import phases
from padocc_dagster.pipeline.sources import readable_size
from padocc_dagster.resources import Padocc


@phase_asset(deps=[project], kinds={"padocc"}, description=__doc__)
def scan_report(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    outcome = require(padocc.workdir, key, phases.scan(padocc.workdir, key, **attempt_of(context)))
    found = outcome.details
    return dg.MaterializeResult(
        metadata={
            "status": outcome.status,
            "source files": found["num_files"],
            "source size": readable_size(found["source_bytes"]),
            "order": found["order"],
            "concatenated along": ", ".join(found["concat_dims"]) or "found by compute",
            "driver": found["driver"] or "found by compute",
            "chunks": dg.MetadataValue.json(found["chunk_info"]),
            "timings (seconds a file)": dg.MetadataValue.json(found["timings"]),
            "estimated product size": found["estimated_product"] or "not estimated",
            "sample": found["sampled"],
            **log_metadata(outcome),
        }
    )
