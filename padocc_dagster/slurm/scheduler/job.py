"""What SLURM says of one job, by squeue, sacct or scontrol. Their text forms are read in `answers.py`."""

import re
from dataclasses import dataclass
from datetime import datetime

PENDING = frozenset({"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"})
"""The job waits for its first start, or for another one."""
OVER = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
"""The job has left its nodes for good. A state that is not here, a new one too, is never taken for an end."""
ACTIVE = frozenset({"COMPLETING", "CONFIGURING", "RESIZING", "RUNNING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"})
STATES = PENDING | ACTIVE | OVER
COMPACT = {
    "BF": "BOOT_FAIL",
    "CA": "CANCELLED",
    "CD": "COMPLETED",
    "CF": "CONFIGURING",
    "CG": "COMPLETING",
    "DL": "DEADLINE",
    "F": "FAILED",
    "NF": "NODE_FAIL",
    "OOM": "OUT_OF_MEMORY",
    "PD": "PENDING",
    "PR": "PREEMPTED",
    "R": "RUNNING",
    "RD": "RESV_DEL_HOLD",
    "RF": "REQUEUE_FED",
    "RH": "REQUEUE_HOLD",
    "RQ": "REQUEUED",
    "RS": "RESIZING",
    "RV": "REVOKED",
    "S": "SUSPENDED",
    "SE": "SPECIAL_EXIT",
    "SI": "SIGNALING",
    "SO": "STAGE_OUT",
    "ST": "STOPPED",
    "TO": "TIMEOUT",
}
"""The codes of `man squeue`, JOB STATE CODES."""


@dataclass(frozen=True)
class Job:
    """One job. What the source does not report is None, "" or ()."""

    job_id: int
    name: str
    comment: str
    user: str
    state: str
    """As `base_state` gives it."""
    cancelled_by: str | None = None
    """The user's id or name; only sacct reports it."""
    exit_status: int | None = None
    """Of a job that is over; None when a signal ended it. squeue does not report it."""
    signal: int | None = None
    """SLURM's own 53 is a launch that failed, 125 is out of memory."""
    submitted: datetime | None = None
    """UTC, as all times here. SLURM sets it anew when it requeues a job."""
    started: datetime | None = None
    """While the job waits: when SLURM expects to start it."""
    ended: datetime | None = None
    elapsed_seconds: int | None = None
    peak_memory_mib: int | None = None
    """The largest of its steps; only sacct reports it. It is sampled, so a short peak may be missing."""
    nodes: tuple[str, ...] = ()
    reason: str = ""
    """Why it waits or how it ended, in SLURM's word (`man squeue`, JOB REASON CODES). sacct does not report it."""
    restarts: int = 0
    """How often SLURM has requeued it. squeue does not report it."""
    forgotten: bool = False
    """The accounting has closed it, and the controller does not know it (`runs/ended.py`)."""

    @property
    def is_pending(self) -> bool:
        """Whether it waits for a start."""
        return self.state in PENDING

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in OVER

    @property
    def is_active(self) -> bool:
        """Whether it holds nodes, or is in a state that nobody here knows."""
        return not self.is_pending and not self.is_over


def base_state(text: str) -> str:
    """The state in capitals, without what SLURM adds: `CANCELLED by 0`, `CANCELLED+`, `OUT_OF_ME+`, `CG`, `COMPLETED,COMPLETING`.

    Of several states the one that is no end counts, and an unknown or ambiguous one stays as it is. Raises ValueError for no text.
    """
    words = re.match(r"[A-Za-z_,+*|-]+", text.strip())
    if not words:
        raise ValueError(f"{text!r} is not a job state: expected a word such as RUNNING")
    shown = words[0].upper()
    found = [_full(word, cut=shown.endswith("+")) for word in re.split(r"[,+*|]+", shown) if word]
    if not found:
        raise ValueError(f"{text!r} is not a job state: expected a word such as RUNNING")
    return next((state for state in found if state not in OVER), found[0])


def cancelled_by(text: str) -> str | None:
    """Who is named in `CANCELLED by 1234`."""
    found = re.match(r"CANCELLED by (\S+)", text.strip(), re.IGNORECASE)
    return found[1] if found else None


def _full(word: str, cut: bool) -> str:
    """A state's whole name, from its code or, when it was cut off, from its beginning."""
    meant = [state for state in STATES if state.startswith(word)] if cut else []
    return meant[0] if len(meant) == 1 else COMPACT.get(word, word)
