"""When an instance has nothing left to do: the conductor found nothing since the last run ended."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from padocc_dagster.services.home import Home
from padocc_dagster.services.supervisor import ServicesError

if TYPE_CHECKING:
    from dagster import DagsterInstance


@dataclass
class Idleness:
    """Looks at one instance again and again."""

    instance: "DagsterInstance"
    quiet_since: float = field(default_factory=time.time)
    """Since when no run waits or works, in seconds since the epoch."""

    @classmethod
    def of(cls, home: Home) -> "Idleness":
        """Of the instance in DAGSTER_HOME. Raises ServicesError when it cannot be opened."""
        from padocc_dagster.dagster_connections import keep_sqlite_open
        from padocc_dagster.services.instance import InstanceProblem, open_instance
        from padocc_dagster.slurm.yaml_fields import load

        keep_sqlite_open()
        try:
            return cls(open_instance(home.root, load(home.settings) or {}))
        except InstanceProblem as problem:
            raise ServicesError(str(problem)) from None

    def is_reached(self) -> bool:
        """Whether no run waits or works, and a whole tick of the conductor since then found nothing left to do.

        What the conductor requests is seen here before its next tick, which finds nothing. False while the database does not answer.
        """
        from padocc_dagster.conductor.idle import idle_since
        from padocc_dagster.runs import unfinished

        try:
            if unfinished(self.instance, limit=1):
                self.quiet_since = time.time()
            return idle_since(self.instance) > self.quiet_since
        except Exception:  # each database has errors of its own
            return False
