"""Dagster's rows of many projects, copied from those of one: what an archive's database holds, without running the archive.

Copied are the materializations, the results of checks, the run and its tags, not the rest of a run's log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, func, select

BATCH = 500
KEPT = ("ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS")
Row = dict[str, Any]


@dataclass(frozen=True)
class History:
    """The tables of an instance. With SQLite, runs and events are in two databases."""

    events: Engine
    runs: Engine

    def copy_report(self, template: str, keys: Sequence[str]) -> None:
        """Materializations without a run, as of the project `template`."""
        table = _table(self.events, "event_logs")
        with self.events.begin() as connection:
            rows = _rows(connection, table, table.c.partition == template)
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            _insert(self.events, "event_logs", [_with(row, {template: key}, id=None) for key in batch for row in rows])

    def copy_run(self, run_id: str, template: str, keys: Sequence[str]) -> None:
        """A run for each of the projects, as `run_id` is one of the project `template`."""
        events, checks = _table(self.events, "event_logs"), _table(self.events, "asset_check_executions")
        runs, tags = _table(self.runs, "runs"), _table(self.runs, "run_tags")
        with self.events.begin() as connection:
            logged = _rows(connection, events, (events.c.run_id == run_id) & events.c.dagster_event_type.in_(KEPT))
            checked = _rows(connection, checks, checks.c.run_id == run_id)
        with self.runs.begin() as connection:
            run, tagged = _rows(connection, runs, runs.c.run_id == run_id), _rows(connection, tags, tags.c.run_id == run_id)
        for start in range(0, len(keys), BATCH):
            batch = enumerate(keys[start : start + BATCH], start)
            copies = [{template: key, run_id: f"{number:08x}-0000-4000-8000-000000000000"} for number, key in batch]
            self._copy_events(copies, logged, checked)
            _insert(self.runs, "runs", [_with(row, words, id=None) for words in copies for row in run])
            _insert(self.runs, "run_tags", [_with(row, words, id=None) for words in copies for row in tagged])

    def _copy_events(self, copies: Sequence[dict[str, str]], logged: Sequence[Row], checked: Sequence[Row]) -> None:
        """Insert the events and the results of checks that name them by their ids, while nobody else inserts any."""
        events, checks = _table(self.events, "event_logs"), _table(self.events, "asset_check_executions")
        postgres = self.events.dialect.name == "postgresql"
        with self.events.connect() as connection:
            connection.exec_driver_sql("LOCK TABLE event_logs IN EXCLUSIVE MODE" if postgres else "BEGIN IMMEDIATE")
            number = connection.execute(select(func.max(events.c.id))).scalar_one()
            new_events: list[Row] = []
            new_checks: list[Row] = []
            for words in copies:
                ids = {row["id"]: number + each for each, row in enumerate(logged, 1)}
                number += len(logged)
                new_events += [_with(row, words, id=ids[row["id"]]) for row in logged]
                new_checks += [_with(row, words, id=None, **_moved(row, ids)) for row in checked]
            connection.execute(events.insert(), new_events)
            if new_checks:
                connection.execute(checks.insert(), new_checks)
            if postgres:
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('event_logs', 'id'), {number})")
            connection.commit()


def _moved(row: Row, ids: dict[int, int]) -> Row:
    names = ("evaluation_event_storage_id", "materialization_event_storage_id")
    return {name: ids.get(row[name], row[name]) for name in names}


def _with(row: Row, words: dict[str, str], **others: Any) -> Row:
    """The row with these words replaced in its texts. An id of None is left to the database."""
    copy = {name: _replaced(value, words) if isinstance(value, str) else value for name, value in row.items()} | others
    return {name: value for name, value in copy.items() if name != "id" or value is not None}


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _rows(connection: Connection, table: Table, where: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(select(table).where(where)).mappings()]


def _insert(engine: Engine, name: str, rows: Sequence[Row]) -> None:
    if rows:
        with engine.begin() as connection:
            connection.execute(_table(engine, name).insert(), rows)


_tables: dict[tuple[str, str], Table] = {}


def _table(engine: Engine, name: str) -> Table:
    key = str(engine.url), name
    if key not in _tables:
        _tables[key] = Table(name, MetaData(), autoload_with=engine)
    return _tables[key]
