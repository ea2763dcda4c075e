"""The findings on a project's published products, as the result of the check `sources_unchanged`."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from padocc_dagster.assets.advice import advice_on
from padocc_dagster.pipeline.watch.findings import Finding, Result, worst
from padocc_dagster.pipeline.watch.rounds import Watched
from padocc_dagster.pipeline.workdir.layout import Workdir

FAILURE = "SourceChangedError"
"""By which the remedies are looked up."""
SHOWN = 100
NOTHING = "no product is published now: there is nothing to watch"


def finding_result(workdir: Workdir, watched: Watched) -> dict[str, Any]:
    """The result that all its products have together, as `AssetCheckResult` and `AssetCheckEvaluation` take it.

    Where sources changed and all values are still equal, it is a warning; anything else that is wrong is an error.
    """
    findings, most = watched.findings, worst(watched.findings)
    good = most is None or most.is_good
    warns = most is not None and most.result is Result.EQUAL
    return {
        "passed": good,
        "severity": dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        "description": _description(findings, most),
        "metadata": {
            "products": _table([_product(each) for each in findings], ("revision", "result", "source files", "watched since", "compared")),
            **({} if good else {"changes": _changes(findings)}),
            **({"comparison": "\n".join(problems[:SHOWN])} if (problems := [p for each in findings for p in each.problems]) else {}),
            **({} if good or not watched.project else advice_on(workdir, watched.project, FAILURE, "complete")),
        },
    }


def _description(findings: tuple[Finding, ...], most: Finding | None) -> str:
    if most is None:
        return NOTHING
    if most.is_good:
        return f"{sum(each.look.sources for each in findings)} source files of {', '.join(map(_name, findings))} are as they should be"
    sentences = most.sentences
    more = f" (and {len(sentences) - 2} more)" if len(sentences) > 2 else ""
    return f"{_name(most)}: {'; '.join(sentences[:2])}{more}"


def _name(finding: Finding) -> str:
    return finding.look.published.revision


def _product(finding: Finding) -> tuple[str, ...]:
    look = finding.look
    since = f"{look.since} ({look.origin})" if look.origin else "unknown"
    return look.published.revision, finding.result.value, str(look.sources), since, finding.sampling or "no need"


def _changes(findings: Iterable[Finding]) -> dg.TableMetadataValue:
    rows = [(_name(each), sentence) for each in findings for sentence in each.look.sentences]
    return _table(rows[:SHOWN], ("revision", "what changed"))


def _table(rows: Iterable[tuple[str, ...]], columns: tuple[str, ...]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))
