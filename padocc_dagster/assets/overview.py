"""The group at a glance: how many of its projects are where, what stopped and what to do, what runs requested and used, and how long the
rest will take. The board has all of it on one page, a file to open in a browser or to mail: with every project, its product, and a map.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg

from padocc_dagster.assets import OF_GROUPS
from padocc_dagster.assets.bars import bars
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.dagster_private import most_concurrent_runs
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.board import Facts, Failure, add_portraits, counted, failures_of, forecast_of, read_facts, write_board
from padocc_dagster.pipeline.running.forecast import Forecast
from padocc_dagster.pipeline.running.learning import MOST, learn
from padocc_dagster.pipeline.running.usage import COLUMNS as USED
from padocc_dagster.pipeline.running.usage import usage_rows
from padocc_dagster.pipeline.workdir.layout import BOARDS, Project, Workdir
from padocc_dagster.pipeline.workdir.selections import summary
from padocc_dagster.resources import Padocc

FAILURES = ("what stopped", "projects", "what it means", "what to do")
STOPPED = ("project", "phase", "since", "why")
STOPPED_SHOWN = 100
"""Dagster shows all rows of a table at once; the board has every project."""
WHY_LENGTH = 120


@dg.asset(partitions_def=groups, deps=[subsets], kinds={"table"}, description=__doc__, **OF_GROUPS)
def group_overview(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    workdir, group = padocc.workdir, context.partition_key
    facts = read_facts(workdir, group)
    learn(workdir, group, {Project(group, each.code): each.past for each in facts[:: -(-len(facts) // MOST) or 1]})
    forecast = _forecast(context.instance, workdir, group, facts)
    add_portraits(workdir, group, [each.published for each in facts if each.published])
    used = usage_rows(each.past for each in facts)
    return dg.MaterializeResult(
        metadata={
            "board": dg.MetadataValue.url(f"{BOARDS}{quote(group)}"),
            "board as a file": dg.MetadataValue.path(str(write_board(workdir, group, facts, forecast))),
            "picture": dg.MetadataValue.md(bars(facts)),
            **_figures(facts, forecast),
            **summary(workdir, group),
            "what stopped": _table(FAILURES, map(_failure, failures_of(workdir, group, facts))),
            "stopped projects": _table(STOPPED, _stopped(facts)),
            **({"requested and used": _table(USED, (row.values() for row in used))} if used else {}),
        }
    )


def _forecast(instance: dg.DagsterInstance, workdir: Workdir, group: str, facts: Sequence[Facts]) -> Forecast:
    at_once = most_concurrent_runs(instance) or os.cpu_count() or 1
    return forecast_of(workdir, group, facts, at_once, getattr(instance.run_launcher, "sizes_runs", False))


def _figures(facts: Sequence[Facts], forecast: Forecast) -> dict[str, int | float]:
    """What Dagster plots over time."""
    return {
        "projects": len(facts),
        **{str(place): number for place, number in counted(facts).items()},
        "source GB scanned": round(sum(each.source_bytes for each in facts) / 1e9, 3),
        "product GB": round(sum(each.product_bytes for each in facts) / 1e9, 6),
        "core-hours used": round(forecast.core_hours_used, 3),
        "core-hours left": round(forecast.core_hours_left, 3),
        "hours left": round(forecast.hours_left, 3),
    }


def _failure(failure: Failure) -> Iterable[str]:
    """Projects that stopped alike; the board and `padocc-dagster explain` have all their remedies."""
    sentence, command = failure.remedies[0] if failure.remedies else ("", "")
    what_to_do = f"{sentence}: {command}" if command else "nothing"
    return f"{failure.error_class} in {failure.phase}", str(len(failure.codes)), failure.meaning, what_to_do


def _stopped(facts: Iterable[Facts]) -> list[Iterable[str]]:
    stopped = [each for each in facts if each.place == "stopped"][:STOPPED_SHOWN]
    return [(each.code, each.state.phase, str(each.state.since or ""), _short(each.state.why)) for each in stopped]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WHY_LENGTH else f"{line[: WHY_LENGTH - 2]} …"


def _table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))
