"""The run tags that every launcher writes. Those of one launcher alone are in its package.

Dagster copies a run's tags to its retries. So these hold only in the run that `padocc/job_of` names.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

JOB_OF = "padocc/job_of"
"""The id of the run that the other tags were written for."""
REQUESTED = "padocc/requested"
"""The job's allocation, as text."""
CAUSE = "padocc/cause"
"""How the job ended: a `causes.Cause`, or NOTHING while that is not known."""
USED = "padocc/used"
"""Elapsed time and peak memory, as `history.print_used` writes them."""
NODES = "padocc/nodes"
"""The nodes that the job had, with commas between them."""
STOPPED = "padocc/stopped"
"""Set with `dagster/max_retries: 0` when the same request again is pointless, so that a person's own attempt may undo it."""
NOTHING = "-"
"""The value of a tag that says nothing: Dagster cannot remove one."""
PENDING = ("slurm/pending", "kubernetes/pending")
"""Why the run's job or pod waits: each launcher has a tag of its own."""
STATES, SETTLED = ("slurm/state", "kubernetes/state"), "ended"
"""What each launcher knows of the run's job or pod, and the value once its end is settled."""
MAX_RETRIES = "dagster/max_retries"
RETRY_NUMBER = "dagster/retry_number"
PARTITION = "dagster/partition"
ATTEMPTS = 5
"""To write tags that another process undoes."""


def own(run_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags, or nothing when they were copied from another run."""
    return tags if tags.get(JOB_OF) == run_id else {}


def write(instance: "DagsterInstance", run_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a run.

    Dagster reads the run and writes it back whole (`add_run_tags`, `handle_run_event`: `dagster/_core/storage/runs/sql_run_storage.py`).
    Of two processes that do so at once, one undoes the other: so this looks again, and repeats what is missing.
    """
    for _ in range(ATTEMPTS):
        instance.add_run_tags(run_id, tags)
        run = instance.get_run_by_id(run_id)
        if run is None or tags.items() <= run.tags.items():
            return
