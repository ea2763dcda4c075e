"""The published product: the compared product and its report, put in place together in one step under `completed/<group>/`.

A revision that is published is never changed. Publishing the same product again does nothing; another product needs a new version.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.attempt import attempted, failure, outcome_metadata, shown, used_metadata
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.due import HELD_BACK
from padocc_dagster.pipeline.workdir.outcome import Outcome
from padocc_dagster.pipeline.workdir.sources import readable_size
from padocc_dagster.resources import Padocc


class PublishConfig(dg.Config):
    """Choices for one publication."""

    links: dict[str, str] = Field(
        default={},
        description="Beginnings of source paths → remote addresses, for kerchunk JSON: {'/badc': 'https://dap.ceda.ac.uk/badc'}",
    )


@dg.asset(deps=[validation_report], output_required=False, partitions_def=projects, kinds={"zarr"}, description=__doc__, **SHARED)
def completed_product(context: dg.AssetExecutionContext, config: PublishConfig, padocc: Padocc) -> Iterator[dg.MaterializeResult]:
    key = project_of(context)
    outcome = attempted(context, phases.publish, padocc.workdir, key, links=config.links or None)
    if outcome.error_class == HELD_BACK:
        context.log.warning(outcome.message)
        return
    if not outcome.passed:
        raise shown(context, "complete", failure(padocc.workdir, key, outcome))
    yield dg.MaterializeResult(metadata=publication_metadata(outcome) | used_metadata(padocc.workdir, key, outcome))


def publication_metadata(outcome: Outcome) -> dict[str, Any]:
    """What a person wants to know of a publication; little, where plain PADOCC made it."""
    put = outcome.details
    if not put:
        return outcome_metadata(outcome)
    return {
        "published": dg.MetadataValue.path(put["published"]),
        "report": dg.MetadataValue.path(put["report"]),
        "revision": put["revision"],
        "size": readable_size(put["published_bytes"]),
        "product MB": put["published_bytes"] / 1e6,
        **({"STAC item": dg.MetadataValue.path(put["item"])} if put.get("item") else {}),
        **outcome_metadata(outcome),
    }
