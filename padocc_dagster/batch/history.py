"""What earlier jobs requested and used, read from their runs' tags."""

import re
from typing import TYPE_CHECKING

from padocc_dagster.batch import tags
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import parse_memory, print_memory
from padocc_dagster.batch.policy import PastJob, Work

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PAST = 20


def work_of(instance: "DagsterInstance", run: "DagsterRun") -> Work:
    """What the policy gets to know of a run."""
    key = run.tags.get(tags.PARTITION)
    return Work(key, _assets(run), run.job_name, run.tags, past_jobs(instance, key) if key else ())


def past_jobs(instance: "DagsterInstance", key: str) -> tuple[PastJob, ...]:
    """The last jobs of this partition key that have ended, newest first."""
    from dagster import DagsterRunStatus, RunsFilter

    found = []
    for run in instance.get_runs(RunsFilter(tags={tags.PARTITION: key}), limit=PAST):
        own = tags.own(run.run_id, run.tags)
        cause = own.get(tags.CAUSE, tags.NOTHING)
        if cause != tags.NOTHING and tags.REQUESTED in own:
            elapsed, peak = read_used(own.get(tags.USED, ""))
            succeeded = run.status is DagsterRunStatus.SUCCESS
            found.append(PastJob(_assets(run), Allocation.parse(own[tags.REQUESTED]), cause, elapsed, peak, succeeded))
    return tuple(found)


def attempts(instance: "DagsterInstance", run: "DagsterRun") -> int | None:
    """How many runs Dagster and people have made of this work, this one included: the number that Dagster compares with max_retries.

    None when the first of them was deleted, after which Dagster retries none.
    """
    from dagster import DagsterRunNotFoundError

    try:
        group = instance.get_run_group(run.run_id)
    except DagsterRunNotFoundError:
        return None
    return len(list(group[1])) if group else 1


def print_used(elapsed_seconds: int | None, peak_memory_mib: int | None) -> str:
    """The tag's text: `elapsed=00:01:02 peak=512M`, without what is not known."""
    elapsed = [f"elapsed={clock(elapsed_seconds)}"] if elapsed_seconds is not None else []
    peak = [f"peak={print_memory(peak_memory_mib)}"] if peak_memory_mib else []
    return " ".join(elapsed + peak) or "not known"


def read_used(text: str) -> tuple[int | None, int | None]:
    """Elapsed seconds and peak memory in MiB from the tag's text."""
    elapsed, peak = re.search(r"elapsed=(\d+):(\d+):(\d+)", text), re.search(r"peak=(\S+)", text)
    seconds = int(elapsed[1]) * 3600 + int(elapsed[2]) * 60 + int(elapsed[3]) if elapsed else None
    return seconds, (parse_memory(peak[1]) if peak else None)


def clock(seconds: int) -> str:
    """Hours, minutes and seconds: `26:03:10`."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _assets(run: "DagsterRun") -> frozenset[str]:
    return frozenset(key.to_user_string() for key in run.asset_selection or ())
