"""The validation report: what PADOCC's own validation finds when it compares the product with its sources. Its verdict is the check
`validation_passed`; `Warn` passes with the reasons, `Fatal` blocks.
"""

import dagster as dg

from padocc_dagster.assets import phase_asset
from padocc_dagster.assets.attempt import attempt_of, log_metadata, require
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.partitions import project_of
from padocc_dagster.pipeline import phases
from padocc_dagster.resources import Padocc

COLUMNS = ("part", "kind", "name", "found")


@phase_asset(deps=[cloud_product], kinds={"padocc"}, description=__doc__)
def validation_report(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    outcome = phases.validate(padocc.workdir, key, **attempt_of(context))
    if "findings" not in outcome.details:
        require(key, outcome)
    return dg.MaterializeResult(
        metadata={
            "status": outcome.status,
            "findings": findings_table(outcome.details["findings"]),
            **log_metadata(outcome),
        }
    )


def findings_table(findings: list[dict[str, str]]) -> dg.TableMetadataValue:
    """PADOCC's findings, a row each."""
    return dg.MetadataValue.table(
        [dg.TableRecord({column: finding[column] for column in COLUMNS}) for finding in findings],
        schema=dg.TableSchema([dg.TableColumn(column) for column in COLUMNS]),
    )
