"""Connections of Dagster's storages that are kept open: Dagster opens one for each statement.

Private parts of Dagster are replaced here. Review them at each new version, as those of `dagster_private.py`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen

SQLITE_FILES = 16


def keep_sqlite_open() -> None:
    """Make Dagster's SQLite storages keep their connections in this process. They open one for each statement, and read all of Dagster's
    migrations for each file: half of the CPU that a run uses besides its steps.

    Replaced are `create_engine` in the modules of the storages (`dagster/_core/storage/event_log/sqlite/sqlite_event_log.py:227`) and
    alembic's ScriptDirectory.from_config. Files of single runs are closed again when `SQLITE_FILES` others have been used.
    """
    from alembic.script import ScriptDirectory
    from dagster._core.storage.event_log.sqlite import consolidated_sqlite_event_log, sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION, get_alembic_config

    if sqlite_run_storage.__dict__["create_engine"] is _kept_engine:
        return
    for storage in (consolidated_sqlite_event_log, sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        setattr(storage, "create_engine", _kept_engine)  # noqa: B010
    scripts = ScriptDirectory.from_config(get_alembic_config(sqlite_run_storage.__file__))
    scripts.as_revision_number("head")  # read now, and shared by forks
    read = ScriptDirectory.from_config

    def from_config(config: Any) -> ScriptDirectory:
        return scripts if config.get_main_option("script_location") == ALEMBIC_SCRIPTS_LOCATION else read(config)

    ScriptDirectory.from_config = from_config  # type: ignore[method-assign]


def keep_postgres_open() -> None:
    """Make Dagster's Postgres storages share one connection in this process, and in its forks one each. They open one for each statement,
    and a run makes a hundred. Replaced is `create_engine` in `dagster_postgres/utils.py:16`. A connection that has died is made anew.
    """
    try:
        from dagster_postgres import utils
    except ImportError:  # an extra of this package
        return

    @cache
    def kept(url: str) -> Engine:
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=20, pool_pre_ping=True)

    setattr(utils, "create_engine", lambda url, **options: kept(url))  # noqa: B010


def close_sqlite(most: int = 0) -> None:
    """Close the connections that are kept, but for those to the `most` files that were used last."""
    while len(_engines) > most:
        Engine.dispose(_engines.popitem(last=False)[1])


_engines: "OrderedDict[str, Engine]" = OrderedDict()
_engines_lock = Lock()


def _kept_engine(url: str, poolclass: object = None, connect_args: "Mapping[str, Any] | None" = None) -> Engine:
    with _engines_lock:
        if url not in _engines:
            _engines[url] = create_engine(url, connect_args=dict(connect_args or {}))
            listen(_engines[url], "connect", _do_not_wait_for_the_disk)
            _engines[url].dispose = lambda close=True: None  # type: ignore[method-assign]  # Dagster calls it after each statement
        _engines.move_to_end(url)
        close_sqlite(SQLITE_FILES)
        return _engines[url]


def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    """Commit without waiting for the disk, which takes 6 ms and is done 50 times in a run.

    After a loss of power the last commits may be missing, no file is damaged (https://sqlite.org/pragma.html#pragma_synchronous), and the
    conductor reports and requests again what is missing.
    """
    connection.execute("PRAGMA synchronous=NORMAL")
