"""What the conductor remembers from one tick to the next, in the process that serves the code."""

import time
from dataclasses import dataclass, field

from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.rules import Rules

PARTITIONS_SECONDS = 60.0
"""How often Dagster's partitions are compared with the files, when nothing changed."""


@dataclass
class Memory:
    """What saves work at the next tick. All of it can be lost."""

    standings: Standings
    to_compare: dict[Project, None] = field(default_factory=dict)
    """Projects that changed, and of which Dagster may not know."""
    dirty: set[str] = field(default_factory=set)
    """Groups that changed since their subsets were written."""
    keys: set[str] = field(default_factory=set)
    """Dagster's partition keys, as of `keys_read`."""
    keys_read: float = float("-inf")
    warned: set[str] = field(default_factory=set)
    ruled: dict[Project, tuple[int, Rules]] = field(default_factory=dict)
    """Failed projects for which the rules of their groups were followed: at how many rows, and which rules."""
    has_more_to_rule: bool = False
    """Whether the last tick left failed projects for which rules are to be followed."""

    def keys_are_old(self) -> bool:
        return time.monotonic() - self.keys_read >= PARTITIONS_SECONDS


_memories: dict[tuple[str, str], Memory] = {}


def memory_of(workdir: Workdir, home: str) -> Memory:
    """What this process remembers for a working directory and an instance."""
    return _memories.setdefault((str(workdir.root), home), Memory(Standings(workdir)))
