"""The gates: blocking checks, one result for each project. Downstream of a check that has not passed, nothing runs. And, behind the last
of them, the watch over what is published: a check that blocks nothing, and is looked at again every day (`actions/watch.py`).

Every phase also reads its gate again from PADOCC's files before it starts, because a check does not bind a run that a person starts
downstream of it.
"""

import time
import warnings

import dagster as dg

from padocc_dagster.assets.advice import advice_on
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.completion import completed_product
from padocc_dagster.assets.differences import differences
from padocc_dagster.assets.findings import finding_result
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.making.validate import read_findings
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster.pipeline.phases import verify
from padocc_dagster.pipeline.status import gate_problem, read_rows, verdict_of
from padocc_dagster.pipeline.watch.rounds import reported, watch_project
from padocc_dagster.pipeline.workers.call import WorkerError, follow
from padocc_dagster.resources import Padocc

# one result for each project is what a gate needs; the pin of dagster in pyproject.toml guards against changes of this preview
warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec", category=dg.PreviewWarning)


@dg.asset_check(asset=scan_report, blocking=True, partitions_def=projects)
def scan_succeeded(context: dg.AssetCheckExecutionContext, padocc: Padocc) -> dg.AssetCheckResult:
    """PADOCC's status log says that the scan succeeded, and nothing before it was done since."""
    return _gate(context, padocc, "scan")


@dg.asset_check(asset=cloud_product, blocking=True, partitions_def=projects)
def product_matches_source(context: dg.AssetCheckExecutionContext, padocc: Padocc) -> dg.AssetCheckResult:
    """The product equals its source files: every reference is held against the file's own chunk index, and what that cannot prove is
    read, by this package and not by PADOCC. Where it does not: what differs and how, with pictures, and what to do."""
    workdir, project = padocc.workdir, project_of(context)
    try:
        comparison = verify(workdir, project)
    except WorkerError as error:
        follow(error.status)
        told = f"the product could not be compared with its sources: {error.error_class}: {error}"
        return dg.AssetCheckResult(passed=False, description=told, metadata=advice_on(workdir, project, error.error_class, "compute"))
    decide = {} if comparison.passed else advice_on(workdir, project, "ProductDiffersFromSource", "compute") | differences(workdir, project)
    return dg.AssetCheckResult(
        passed=comparison.passed,
        severity=dg.AssetCheckSeverity.ERROR,
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


@dg.asset_check(asset=validation_report, blocking=True, partitions_def=projects)
def validation_passed(context: dg.AssetCheckExecutionContext, padocc: Padocc) -> dg.AssetCheckResult:
    """PADOCC's validation did not find anything fatal. `Warn` passes, with its reasons."""
    return _gate(context, padocc, "validate")


@dg.asset_check(asset=completed_product, blocking=False, partitions_def=projects)
def sources_unchanged(context: dg.AssetCheckExecutionContext, padocc: Padocc) -> dg.AssetCheckResult:
    """The source files of the published products are as they were at publication, or as somebody accepted them since. Where one is missing
    or changed: which, what changed, and whether the published product still equals it."""
    watched = watch_project(padocc.workdir, project_of(context))
    if watched.is_news and not watched.is_first:  # a new product is left to its first round: many are published at once
        reported(padocc.workdir, [watched], time.time())
    return dg.AssetCheckResult(**finding_result(padocc.workdir, watched))


def _gate(context: dg.AssetCheckExecutionContext, padocc: Padocc, phase: str) -> dg.AssetCheckResult:
    project = project_of(context)
    rows = read_rows(padocc.workdir.status_log(project))
    problem = gate_problem(rows, phase)
    status = next((row.status for row in reversed(rows) if row.phase == phase), "")
    warned = problem is None and "Warn" in status
    failure = status if status and verdict_of(status) is Verdict.FAILED else "GateClosedError"
    findings = read_findings(padocc.workdir, project) if phase == "validate" else []
    reasons = [f"{row['part']} {row['kind']} {row['name']}: {row['found']}" for row in findings]
    return dg.AssetCheckResult(
        passed=problem is None,
        severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
        description=problem or status,
        metadata={
            "status": status,
            **({"findings": _lines(reasons)} if findings else {}),
            **(advice_on(padocc.workdir, project, failure, phase) if problem else {}),
        },
    )


def _lines(sentences: tuple[str, ...] | list[str]) -> dg.MarkdownMetadataValue | str:
    if not sentences:
        return "none"
    shown = [f"- {sentence}" for sentence in sentences[:100]]
    return dg.MetadataValue.md("\n".join(shown + [f"- … {len(sentences) - 100} more"] * (len(sentences) > 100)))


def _variables(comparison: Comparison) -> dg.TableMetadataValue:
    records = [dg.TableRecord({name: str(value) for name, value in row.items()}) for row in comparison.variables]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(n) for n in (records[0].data if records else {})]))
