"""The cloud product: kerchunk references (JSON or parquet), a Zarr store or a CFA-netCDF file made from all source files, with the
attributes from the config. It is made from clean caches in confirmed order, with VirtualiZarr and, failing that, with
Kerchunk's MultiZarrToZarr, and then compared with its sources: a product that differs is not used, and its partition is red. The check
`product_matches_source` alone compares a product that is there already.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.advice import advice_on
from padocc_dagster.assets.attempt import attempted, failure, outcome_metadata, requested_of, shown, used_metadata, when_free
from padocc_dagster.assets.differences import differences
from padocc_dagster.assets.gates import gate
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.partitions import PHASE_ASSETS, PHASE_CHECKS, project_of, projects
from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.call import WorkerError, follow
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome
from padocc_dagster.pipeline.workdir.sources import readable_size
from padocc_dagster.pipeline.workdir.spec import AGGREGATORS, CLOUD_FORMATS
from padocc_dagster.resources import Padocc

DIFFERS = "ProductDiffersFromSource"
PRODUCT_MATCHES_SOURCE = gate(
    "compute",
    "The product equals its source files: every reference is held against the file's own chunk index, and what that cannot prove is "
    "read, by this package and not by PADOCC. Where it does not: what differs and how, with pictures, and what to do.",
)
FormatChoice = Enum("FormatChoice", {name: name for name in CLOUD_FORMATS})  # type: ignore[misc]  # members known at run time
AggregatorChoice = Enum("AggregatorChoice", {name: name for name in AGGREGATORS})  # type: ignore[misc]


class ComputeConfig(dg.Config):
    """Choices for one computation. They are kept with the project."""

    cloud_format: FormatChoice | None = Field(None, description="kerchunk, parquet, zarr or CFA; empty: as in the project's config")
    aggregator: AggregatorChoice | None = Field(
        None, description="V (VirtualiZarr) or K (MultiZarrToZarr); empty: as chosen before, else V, then K"
    )
    new_version: bool = Field(False, description="Keep the present product and make the next revision beside it (CFA has no versions)")
    thorough: bool = Field(False, description="Find the order of the files and the dimensions anew, instead of taking the scan's")

    def choices(self) -> dict[str, Any]:
        """The choices as plain values."""
        return self.model_dump(mode="json")


@dg.multi_asset(
    specs=[
        dg.AssetSpec(PHASE_ASSETS["compute"], deps=[scan_report], kinds={"padocc", "zarr"}, description=__doc__, skippable=True, **SHARED)
    ],
    check_specs=[PRODUCT_MATCHES_SOURCE],
    partitions_def=projects,
    can_subset=True,
)
def cloud_product(
    context: dg.AssetExecutionContext, config: ComputeConfig, padocc: Padocc
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key, workdir = project_of(context), padocc.workdir
    outcome = None
    if context.selected_asset_keys:
        outcome = attempted(context, phases.compute, workdir, key, **config.choices())
        if not outcome.passed:
            raise shown(context, "compute", failure(workdir, key, outcome))
    comparison = when_free(context, lambda: _compared(workdir, key, context.run))
    result = check_result(workdir, key, comparison)
    if outcome and (not isinstance(comparison, Comparison) or comparison.passed):
        metadata = product_metadata(outcome) | used_metadata(workdir, key, outcome)
        yield dg.MaterializeResult(asset_key=PHASE_ASSETS["compute"], metadata=metadata)
    yield result
    if not result.passed:
        failed = dg.Failure(f"{key}: {result.description}", metadata=result.metadata, allow_retries=False)
        raise shown(context, "compute", failed)


def _compared(workdir: Workdir, project: Project, run: dg.DagsterRun) -> Comparison | WorkerError:
    """The comparison of the product with its sources, or why it could not be made."""
    try:
        return phases.verify(workdir, project, run.run_id, requested_of(run))
    except WorkerError as error:
        follow(error.status)
        return error


def check_result(workdir: Workdir, project: Project, comparison: Comparison | WorkerError) -> dg.AssetCheckResult:
    """The comparison as the result of the check: what was compared, what differs, and what to do."""
    asset, name = PHASE_ASSETS["compute"], PHASE_CHECKS["compute"]
    if isinstance(comparison, WorkerError):
        reason = f"the product could not be compared with its sources: {comparison.error_class}: {comparison}"
        advice = advice_on(workdir, project, comparison.error_class, "compute")
        return dg.AssetCheckResult(asset_key=asset, check_name=name, passed=False, description=reason, metadata=advice)
    decide = {} if comparison.passed else advice_on(workdir, project, DIFFERS, "compute") | differences(workdir, project)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=comparison.passed,
        description="; ".join(comparison.problems[:2]) or comparison.sampling,
        metadata={
            **decide,
            "problems": _lines(comparison.problems),
            "differences in metadata": _lines(comparison.information),
            "files": comparison.files_total,
            "files proved by their references": comparison.files_proved,
            "files read in full": comparison.files_compared,
            "how": comparison.sampling,
            "variables": _variables(comparison),
            "product fingerprint": comparison.product_fingerprint,
            "seconds": comparison.seconds,
        },
    )


def product_metadata(outcome: Outcome) -> dict[str, Any]:
    """Metadata of a product for people; little, where plain PADOCC made it."""
    made = outcome.details
    if not made:
        return outcome_metadata(outcome)
    return {
        "product": dg.MetadataValue.path(made["product"]),
        "cloud format": made["cloud_format"],
        "revision": made["revision"],
        "aggregator": made["aggregator"] or "none needed",
        "product size": readable_size(made["product_bytes"]),
        "product MB": made["product_bytes"] / 1e6,
        "source files": made["num_files"],
        "driver": made["driver"] or "",
        "timings": dg.MetadataValue.json(made["timings"]),
        "dimensions": dg.MetadataValue.json(made["dataset"]["sizes"]),
        "variables": variables_table(made["dataset"]["variables"]),
        "dataset": dg.MetadataValue.md(f"```\n{made['dataset']['text']}\n```"),
        **outcome_metadata(outcome),
    }


def variables_table(variables: dict[str, dict[str, Any]]) -> dg.TableMetadataValue:
    """Variables with their dimensions and types, a row each."""
    records = [
        dg.TableRecord({"variable": name, "dimensions": " × ".join(found["dimensions"]), "type": found["dtype"]})
        for name, found in variables.items()
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(n) for n in ("variable", "dimensions", "type")]))


def _lines(sentences: tuple[str, ...] | list[str]) -> dg.MarkdownMetadataValue | str:
    if not sentences:
        return "none"
    shown = [f"- {sentence}" for sentence in sentences[:100]]
    return dg.MetadataValue.md("\n".join(shown + [f"- … {len(sentences) - 100} more"] * (len(sentences) > 100)))


def _variables(comparison: Comparison) -> dg.TableMetadataValue:
    records = [dg.TableRecord({name: str(value) for name, value in row.items()}) for row in comparison.variables]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(n) for n in (records[0].data if records else {})]))
