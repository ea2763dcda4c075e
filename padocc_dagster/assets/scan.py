"""The scan report: the files in the order in which they will be concatenated, every one of them opened, and a sample of them tried by
PADOCC: which driver reads them, how many chunks they hold, along which dimension they follow each other, how long it takes.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.attempt import attempted, failure, outcome_metadata, shown, used_metadata, was_tried
from padocc_dagster.assets.gates import gate, gate_result
from padocc_dagster.assets.project import project
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.joining.record import odd_kept
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome
from padocc_dagster.pipeline.workdir.sources import readable_size
from padocc_dagster.resources import Padocc

MOST_ROWS = 50
SCAN_SUCCEEDED = gate("scan", "The scan succeeded by PADOCC's status log, and no phase before it was run since.")


@dg.asset(
    deps=[project],
    check_specs=[SCAN_SUCCEEDED],
    output_required=False,
    partitions_def=projects,
    kinds={"padocc"},
    description=__doc__,
    **SHARED,
)
def scan_report(context: dg.AssetExecutionContext, padocc: Padocc) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key = project_of(context)
    outcome = attempted(context, phases.scan, padocc.workdir, key)
    if outcome.passed:
        odd = odd_metadata(padocc.workdir, key)
        yield dg.MaterializeResult(metadata=scan_metadata(outcome) | odd | used_metadata(padocc.workdir, key, outcome))
    if was_tried(outcome):
        yield gate_result(outcome)
    if not outcome.passed:
        raise shown(context, "scan", failure(padocc.workdir, key, outcome, lambda: odd_metadata(padocc.workdir, key)))


def odd_metadata(workdir: Workdir, key: Project) -> dict[str, Any]:
    """The source files that are not like the others, as a table; nothing where all are alike."""
    rows = [
        dg.TableRecord(
            {
                "difference": str(each.kind),
                "variable": each.variable,
                "files": each.count,
                "first": each.files[0],
                "has": each.has,
                "the others": each.others,
                "not for": ", ".join(each.refused_by),
            }
        )
        for each in odd_kept(workdir, key)[:MOST_ROWS]
    ]
    return {"odd files": dg.MetadataValue.table(rows)} if rows else {}


def scan_metadata(outcome: Outcome) -> dict[str, Any]:
    """Metadata of a scan for people; little, where plain PADOCC made it."""
    found = outcome.details
    if not found:
        return outcome_metadata(outcome)
    return {
        "source files": found["num_files"],
        "source size": readable_size(found["source_bytes"]),
        "source MB": found["source_bytes"] / 1e6,
        "order": found["order"],
        "concatenated along": ", ".join(found["concat_dims"]) or "found by compute",
        "driver": found["driver"] or "found by compute",
        "chunks": dg.MetadataValue.json(found["chunk_info"]),
        "timings (seconds a file)": dg.MetadataValue.json(found["timings"]),
        "estimated product size": found["estimated_product"] or "not estimated",
        "sample": found["sampled"],
        **outcome_metadata(outcome),
    }
