"""The validation report: what PADOCC's own validation finds when it compares the product with its sources. Its verdict is the check
`validation_passed`; `Warn` passes with the reasons, `Fatal` blocks. What did not pass is shown beside its sources, with pictures; where
there is an earlier version of the product, also what changed since.
"""

import dagster as dg

from padocc_dagster.assets import phase_asset
from padocc_dagster.assets.advice import advice_on
from padocc_dagster.assets.attempt import attempt_of, log_metadata, require
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.differences import changes_since, differences
from padocc_dagster.partitions import project_of
from padocc_dagster.pipeline import phases
from padocc_dagster.resources import Padocc

COLUMNS = ("part", "kind", "name", "found")


@phase_asset(deps=[cloud_product], kinds={"padocc"}, description=__doc__)
def validation_report(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    workdir = padocc.workdir
    outcome = phases.validate(workdir, key, **attempt_of(context))
    if "findings" not in outcome.details:
        require(workdir, key, outcome, more=lambda: differences(workdir, key))
    findings = outcome.details["findings"]
    return dg.MaterializeResult(
        metadata={
            "status": outcome.status,
            "findings": findings_table(findings),
            **({} if outcome.passed else differences(workdir, key, named_in(findings))),
            **({} if outcome.passed else advice_on(workdir, key, outcome.status, "validate")),
            **changes_since(workdir, key),
            **log_metadata(outcome),
        }
    )


def named_in(findings: list[dict[str, str]]) -> list[str]:
    """The variables and dimensions whose values PADOCC found to differ."""
    return list(dict.fromkeys(finding["name"] for finding in findings if finding["kind"].endswith("_errors") and finding["name"]))


def findings_table(findings: list[dict[str, str]]) -> dg.TableMetadataValue:
    """PADOCC's findings, a row each."""
    return dg.MetadataValue.table(
        [dg.TableRecord({column: finding[column] for column in COLUMNS}) for finding in findings],
        schema=dg.TableSchema([dg.TableColumn(column) for column in COLUMNS]),
    )
