"""The run tags that every launcher writes. Those of one launcher alone are in its package.

Dagster copies a run's tags to its retries. So these hold only in the run that `padocc/job_of` names.
"""

from collections.abc import Mapping

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


def own(run_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags, or nothing when they were copied from another run."""
    return tags if tags.get(JOB_OF) == run_id else {}
