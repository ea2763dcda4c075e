"""The run tags that the launcher writes. Those that a person sets (`slurm/time`, `slurm/memory` …) are read in `allocation.py`.

Dagster copies a run's tags to its retries. So what stands here counts only in the run that `slurm/job_of` names.
"""

from collections.abc import Mapping

JOB_OF = "slurm/job_of"
"""The id of the run that the other tags were written for."""
STATE = "slurm/state"
SUBMITTING, SUBMITTED, ENDED = "submitting", "submitted", "ended"
SUBMITTED_AT = "slurm/submitted_at"
"""Seconds since 1970, by the clock of the host that submitted."""
JOB_ID = "slurm/job_id"
LOG = "slurm/log"
SCRIPT = "slurm/script"
ASKED = "slurm/asked"
PENDING = "slurm/pending"
CAUSE = "slurm/ended"
"""How the job ended: a `states.Cause`."""
USED = "slurm/used"
NODES = "slurm/nodes"
STOPPED = "slurm/stopped"
"""Set with `dagster/max_retries: 0` when another attempt as this one is pointless, so that a person's own attempt may undo it."""
MAX_RETRIES = "dagster/max_retries"
RETRY_NUMBER = "dagster/retry_number"
PARTITION = "dagster/partition"


def own(run_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags, or nothing when they were copied from another run."""
    return tags if tags.get(JOB_OF) == run_id else {}
