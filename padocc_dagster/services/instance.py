"""Dagster's own word on an instance: is its dagster.yaml valid, does its launcher take its config, does its database answer."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padocc_dagster.services.settings_file import hide, postgres, resolved

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from padocc_dagster.dagster_private import RunLauncher

CONNECT_SECONDS = 10
LONGEST = 400


class InstanceProblem(Exception):
    """What is wrong with an instance. `sentences` holds one for each problem, without secrets."""

    def __init__(self, error: BaseException, values: Any) -> None:
        self.sentences = [_short(hide(sentence, values)) for sentence in _sentences(error)]
        super().__init__("\n".join(self.sentences))


def validate(home: Path, values: Mapping[str, Any]) -> None:
    """Raises InstanceProblem with all that Dagster does not take in dagster.yaml."""
    from padocc_dagster.dagster_private import validate_settings

    try:
        validate_settings(home)
    except Exception as error:  # a custom instance class may raise anything
        raise InstanceProblem(error, values) from None


def launcher(home: Path, values: Mapping[str, Any]) -> "RunLauncher | None":
    """The instance's run launcher; the database is not needed. Raises InstanceProblem with what it does not take in its config."""
    from padocc_dagster.dagster_private import launcher_in

    try:
        return launcher_in(home)
    except Exception as error:  # a launcher may raise what it likes
        raise InstanceProblem(error, values) from None


def open_instance(home: Path, values: Mapping[str, Any]) -> "DagsterInstance":
    """The instance, whose database has answered. Raises InstanceProblem.

    Postgres is tried once before, because Dagster repeats a failed connection for a long time. Sets DAGSTER_HOME, which the settings name.
    """
    from dagster import DagsterInstance

    os.environ["DAGSTER_HOME"] = str(home)
    try:
        _try_postgres(values)
        instance = DagsterInstance.from_config(str(home))
        instance.get_run_records(limit=1)
    except Exception as error:  # each database driver has errors of its own
        raise InstanceProblem(error, values) from None
    return instance


def _try_postgres(values: Mapping[str, Any]) -> None:
    where = postgres(resolved(values))
    if where is None or "auth_provider" in where:
        return
    import sqlalchemy
    from dagster_postgres.utils import pg_url_from_config

    engine = sqlalchemy.create_engine(pg_url_from_config(where), connect_args={"connect_timeout": CONNECT_SECONDS})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _sentences(error: BaseException) -> list[str]:
    """Dagster lists problems of its config in `errors`, the launcher names one a line."""
    if errors := getattr(error, "errors", None):
        return [_first(getattr(problem, "message", str(problem))) for problem in errors]
    if isinstance(error, ValueError):
        return str(error).splitlines() or [type(error).__name__]
    return [_first(str(getattr(error, "orig", None) or error)) or type(error).__name__]


def _first(text: str) -> str:
    """On one line, without a stack trace and without SQLAlchemy's link to its manual."""
    text = re.split(r"\n\s*Stack Trace:|\n\(Background on", text)[0]
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
