"""What the instance of a working directory has under way, read from its database, and whether anybody serves it.

Nothing is started or changed. An instance that was never started is not made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from padocc_dagster.services.home import Home
from padocc_dagster.services.settings_file import postgres, wants_kubernetes, wants_slurm

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from padocc_dagster.status.activity import Activity


@dataclass(frozen=True)
class AtWork:
    """What was found."""

    is_served: bool = False
    page: str = ""
    """The URL or the Unix socket of the page on which runs can be started; empty where nobody serves one."""
    doing: Mapping[str, "Activity"] = field(default_factory=dict)
    """By project key, or by the name of a group config."""
    on_cluster: bool = False
    """Whether runs go on without whoever serves the working directory."""
    problem: str = ""
    """Why the database could not be read; empty where it was, and where there is none yet."""


class Reader:
    """Reads one instance, again and again; the database stays open in between."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._instance: DagsterInstance | None = None

    def read(self) -> AtWork:
        """Look now. Costs one query for the runs that have not ended, however many projects there are."""
        if not self.home.root.exists():
            return AtWork()
        from padocc_dagster.services.instance import InstanceProblem
        from padocc_dagster.services.serving import is_served

        try:
            served = is_served(self.home)
        except OSError:  # somebody else's file, which cannot be locked
            served = self.home.address.exists()
        page = self.home.served_page() if served else ""
        values, problem = _settings(self.home)
        cluster = wants_slurm(values) or wants_kubernetes(values)
        if problem or not values or not _has_database(self.home, values):
            return AtWork(served, page, {}, cluster, problem)
        try:
            return AtWork(served, page, self._doing(values), cluster)
        except InstanceProblem as error:
            return AtWork(served, page, {}, cluster, f"Dagster's database cannot be read: {error.sentences[0]}")

    def _doing(self, values: Mapping[str, Any]) -> "dict[str, Activity]":
        from padocc_dagster.runs import unfinished
        from padocc_dagster.services.instance import InstanceProblem, open_instance
        from padocc_dagster.status.activity import activities

        try:
            self._instance = self._instance or open_instance(self.home.root, values)
            return activities(unfinished(self._instance))
        except InstanceProblem:
            raise
        except Exception as error:  # each database driver has errors of its own
            self._instance = None
            raise InstanceProblem(error, values) from None


def _settings(home: Home) -> tuple[Mapping[str, Any], str]:
    """The values of dagster.yaml, and what is wrong with it; nothing of either where there is none."""
    from padocc_dagster.slurm.yaml_fields import NotRead, load

    if not home.settings.exists():
        return {}, ""
    try:
        values = load(home.settings)
    except NotRead as error:
        return {}, f"{home.settings} cannot be read: {error}"
    return (values if isinstance(values, Mapping) else {}), ""


def _has_database(home: Home, values: Mapping[str, Any]) -> bool:
    """Whether there is one to read: Dagster would make an SQLite that is not there."""
    elsewhere = postgres(values) is not None or "storage" in values or "run_storage" in values
    return elsewhere or (home.root / "history" / "runs.db").exists()
