"""How the main process of a job takes charge: it claims its report, ends with its job step, loses no signal, and leaves in words."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from padocc_dagster.slurm.node.report import Report, claim, read, write

FORK_SERVER = "PADOCC_DAGSTER_FORK_SERVER"
"""As `pipeline/running/forked.py` reads it."""
KEPT = ("SLURM_JOB_ID", "SLURM_CONF")
CANNOT_CLAIM = os.EX_CANTCREAT
PR_SET_PDEATHSIG = 1


def watch(*numbers: signal.Signals) -> None:
    """Let these signals wait for sigwait, so that none is lost between two steps, and none interrupts a step. SIGHUP is ignored."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*numbers, signal.SIGHUP))
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)


def end_with_parent() -> None:
    """From now on, the end of this process's parent is a SIGTERM to this process. Call it once SIGTERM waits (`watch`).

    The parent is slurmstepd: the batch script has become this process. Without it, SLURM takes the node for failed, or no longer knows of
    the job, and gives the work to another one.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended just before
        os.kill(os.getpid(), signal.SIGTERM)


def take_charge(path: Path) -> Report | int:
    """Claim the report for the job that this process is of. Returns the report or, where another job has it, the status to leave with."""
    if not os.environ.get("SLURM_JOB_ID", "").isdigit():
        return leave("SLURM_JOB_ID is not set: this program is started by a SLURM batch script", os.EX_USAGE)
    report = Report(int(os.environ["SLURM_JOB_ID"]), os.environ.get("SLURMD_NODENAME") or os.uname().nodename, now())
    try:
        mine = claim(path, report)
    except OSError as error:
        return leave(f"No run is started, because the report {path} cannot be made: {error.strerror}", CANNOT_CLAIM)
    return report if mine else _refused(path, report.job_id)


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of what the job is for: this one, without what SLURM says of the job but its id and the cluster's configuration.

    The worker takes no part in a job array or a parallel step, and PADOCC takes SLURM_ARRAY_JOB_ID for one of its own jobs.
    """
    dropped = [name for name in environment if name.startswith(("SLURM_", "SBATCH_")) and name not in KEPT]
    dropped += [FORK_SERVER]  # of another host
    kept = {name: value for name, value in environment.items() if name not in dropped}
    return {**kept, "PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER": "1"}


def now() -> datetime:
    return datetime.now(UTC)


def leave(sentence: str, status: int) -> int:
    say(sentence)
    return status


def say(sentence: str) -> None:
    with suppress(OSError):  # the log's disk may be full
        print(sentence, file=sys.stderr, flush=True)


def _refused(path: Path, job_id: int) -> int:
    """Another job has the report, or an earlier incarnation of this one had it. What may have begun is not begun again."""
    with suppress(OSError):
        found = read(path)
        if found and found.job_id == job_id and int(os.environ.get("SLURM_RESTART_COUNT") or 0) > 0:
            write(path, replace(found, requeued=True))
            return leave(f"SLURM has requeued job {job_id}. Its run had begun, and is not begun a second time here", 0)
        if found and found.is_readable:
            return leave(f"Job {found.job_id} hosts this run already, on {found.host} since {found.began:%Y-%m-%d %H:%M:%S %Z}", 0)
    return leave(f"Another job hosts this run already; which one, {path} does not say", 0)
