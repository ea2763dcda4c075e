"""The validation report: what PADOCC's own validation finds when it compares the product with its sources. Its verdict is the check
`validation_passed`; `Warn` passes with the reasons, `Fatal` fails the step, which shows the product beside its sources, with pictures.
Where there is an earlier version of the product, the report also shows what changed since.
"""

from collections.abc import Iterator

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.attempt import attempted, failure, outcome_metadata, shown, used_metadata, was_tried
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.differences import changes_since, differences
from padocc_dagster.assets.gates import gate, gate_result
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.running import phases
from padocc_dagster.resources import Padocc

COLUMNS = ("part", "kind", "name", "found")
VALIDATION_PASSED = gate("validate", "PADOCC's validation did not find anything fatal. `Warn` passes, with its reasons.")


@dg.asset(
    deps=[cloud_product],
    check_specs=[VALIDATION_PASSED],
    output_required=False,
    partitions_def=projects,
    kinds={"padocc"},
    description=__doc__,
    **SHARED,
)
def validation_report(context: dg.AssetExecutionContext, padocc: Padocc) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key = project_of(context)
    workdir = padocc.workdir
    outcome = attempted(context, phases.validate, workdir, key)
    findings = outcome.details.get("findings", [])
    table = {"findings": findings_table(findings)} if findings else {}
    if outcome.passed:
        yield dg.MaterializeResult(
            metadata={**table, **changes_since(workdir, key), **outcome_metadata(outcome), **used_metadata(workdir, key, outcome)}
        )
    if was_tried(outcome):
        yield gate_result(outcome, **table)
    if not outcome.passed:
        failed = failure(
            workdir, key, outcome, lambda: {**table, **differences(workdir, key, named_in(findings)), **changes_since(workdir, key)}
        )
        raise shown(context, "validate", failed)


def named_in(findings: list[dict[str, str]]) -> list[str]:
    """The variables and dimensions whose values PADOCC found to differ."""
    return list(dict.fromkeys(finding["name"] for finding in findings if finding["kind"].endswith("_errors") and finding["name"]))


def findings_table(findings: list[dict[str, str]]) -> dg.TableMetadataValue:
    """PADOCC's findings, a row each."""
    return dg.MetadataValue.table(
        [dg.TableRecord({column: finding[column] for column in COLUMNS}) for finding in findings],
        schema=dg.TableSchema([dg.TableColumn(column) for column in COLUMNS]),
    )
