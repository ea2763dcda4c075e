"""The published product: the compared product and its report, put in place together in one step under `completed/<group>/`.

A revision that is published is never changed. Publishing the same product again does nothing; another product needs a new version.
"""

import dagster as dg
from pydantic import Field

from padocc_dagster.assets import phase_asset
from padocc_dagster.assets.attempt import attempt_of, require
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.partitions import project_of
from padocc_dagster.pipeline import phases
from padocc_dagster.pipeline.sources import readable_size
from padocc_dagster.resources import Padocc


class PublishConfig(dg.Config):
    """Choices for one publication."""

    links: dict[str, str] = Field(
        default={},
        description="Beginnings of source paths → remote addresses, for kerchunk JSON: {'/badc': 'https://dap.ceda.ac.uk/badc'}",
    )


@phase_asset(deps=[validation_report], kinds={"zarr"}, description=__doc__)
def completed_product(context: dg.AssetExecutionContext, config: PublishConfig, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    outcome = require(padocc.workdir, key, phases.publish(padocc.workdir, key, links=config.links or None, **attempt_of(context)))
    put = outcome.details
    return dg.MaterializeResult(
        metadata={
            "published": dg.MetadataValue.path(put["published"]),
            "report": dg.MetadataValue.path(put["report"]),
            "revision": put["revision"],
            "size": readable_size(put["published_bytes"]),
            "note": outcome.message,
            **({"STAC item": dg.MetadataValue.path(put["item"])} if put.get("item") else {}),
        }
    )
