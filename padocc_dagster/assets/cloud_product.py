"""The cloud product: kerchunk references (JSON or parquet), a Zarr store or a CFA-netCDF file made from all source files, with the
attributes that the config asks for. It is made from clean caches in confirmed order, with VirtualiZarr and, failing that, with
Kerchunk's MultiZarrToZarr. The check `product_matches_source` then compares it with its sources; nothing that has not passed is used.
"""

from enum import Enum
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.assets import phase_asset
from padocc_dagster.assets.attempt import attempt_of, log_metadata, require
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.partitions import project_of
from padocc_dagster.pipeline import phases
from padocc_dagster.pipeline.outcome import Outcome
from padocc_dagster.pipeline.sources import readable_size
from padocc_dagster.pipeline.spec import AGGREGATORS, CLOUD_FORMATS
from padocc_dagster.resources import Padocc

FormatChoice = Enum("FormatChoice", {name: name for name in CLOUD_FORMATS})  # type: ignore[misc]  # members known at run time
AggregatorChoice = Enum("AggregatorChoice", {name: name for name in AGGREGATORS})  # type: ignore[misc]


class ComputeConfig(dg.Config):
    """Choices for one computation. They are kept with the project."""

    cloud_format: FormatChoice | None = Field(None, description="kerchunk, parquet, zarr or CFA; empty: as the project's config says")
    aggregator: AggregatorChoice | None = Field(
        None, description="V (VirtualiZarr) or K (MultiZarrToZarr); empty: as chosen before, else V, then K"
    )
    new_version: bool = Field(False, description="Keep the present product and make the next revision beside it (CFA has no versions)")
    thorough: bool = Field(False, description="Find the order of the files and the dimensions anew, instead of taking the scan's")

    def choices(self) -> dict[str, Any]:
        """The choices as plain values."""
        return self.model_dump(mode="json")


@phase_asset(deps=[scan_report], kinds={"padocc", "zarr"}, description=__doc__)
def cloud_product(context: dg.AssetExecutionContext, config: ComputeConfig, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    outcome = require(padocc.workdir, key, phases.compute(padocc.workdir, key, **config.choices(), **attempt_of(context)))
    return dg.MaterializeResult(metadata=product_metadata(outcome))


def product_metadata(outcome: Outcome) -> dict[str, Any]:
    """What a person wants to know of a product."""
    made = outcome.details
    return {
        "product": dg.MetadataValue.path(made["product"]),
        "cloud format": made["cloud_format"],
        "revision": made["revision"],
        "aggregator": made["aggregator"] or "none needed",
        "product size": readable_size(made["product_bytes"]),
        "source files": made["num_files"],
        "driver": made["driver"] or "",
        "timings": dg.MetadataValue.json(made["timings"]),
        "dimensions": dg.MetadataValue.json(made["dataset"]["sizes"]),
        "variables": variables_table(made["dataset"]["variables"]),
        "dataset": dg.MetadataValue.md(f"```\n{made['dataset']['text']}\n```"),
        "status": outcome.status,
        **log_metadata(outcome),
    }


def variables_table(variables: dict[str, dict[str, Any]]) -> dg.TableMetadataValue:
    """Variables with their dimensions and types, a row each."""
    records = [
        dg.TableRecord({"variable": name, "dimensions": " × ".join(found["dimensions"]), "type": found["dtype"]})
        for name, found in variables.items()
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(n) for n in ("variable", "dimensions", "type")]))
