"""Which of Dagster's old runs may go, and their removal with their events and log files. PADOCC's files and the events beside them stay.

These are kept at any age:

- runs that have not ended, or whose job's or pod's end is not settled;
- of each project, group and group config the last run, and those before it back to the last one that succeeded: from them the conductor
  decides what follows a failure, and the launchers what the next attempt requests;
- runs that recorded what Dagster shows now: the latest materialization or observation of a partition;
- runs of the same work, or repeated by hand, as one that is kept: the conductor counts them.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import dagster as dg

from padocc_dagster.batch.tags import SETTLED, STATES, own
from padocc_dagster.conductor.known import latest_events
from padocc_dagster.runs import CONFIG, DUE, PARTITION, ROOT

PAGE = 500
"""Runs read from the database at once."""
DAY, MOST_DAYS = 24 * 3600.0, 36500
SHOWN = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION}


class Past(NamedTuple):
    """A run, as far as it matters here."""

    run_id: str
    job: str
    subject: str
    """The project, group or group config that the run is about; empty for none."""
    work: str
    """What runs for the same work have in common."""
    ended: float | None
    """Seconds since 1970; None where it has not, or where its job is not settled."""
    succeeded: bool
    files: tuple[str, ...] = ()
    """Its script and log on a cluster, without their suffixes."""


@dataclass
class Purge:
    """What a purge did or would do."""

    removed: Counter[str]
    """Job → number of runs."""
    kept_old: int
    """Runs that are old enough and were kept."""
    left: int = 0
    """Runs that may go, and were left to the next purge."""

    def sentences(self, days: int, done: bool) -> list[str]:
        """For people: a line for each job, and one for what is kept."""
        total, what = sum(self.removed.values()), "removed" if done else "would be removed"
        lines = [f"{count:>9}  {job}" for job, count in self.removed.most_common()]
        kept = (
            [f"{self.kept_old} other(s) that old are kept: the last of a project or group, or what Dagster shows now."]
            if self.kept_old
            else []
        )
        left = [f"{self.left} more are left to the next purge."] if self.left else []
        return [*lines, f"{total} run(s) that ended more than {days} days ago {what}, with their events and log files.", *kept, *left]


def days_of(text: str) -> int:
    """The number of days in `90d` or `90`. Raises ValueError for anything else, and for less than one day."""
    number = text.strip().removesuffix("d")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= MOST_DAYS):
        raise ValueError(f"{text!r} is no age: write a number of days, as in 90d, one at least and {MOST_DAYS} at most")
    return int(number)


def purge(instance: dg.DagsterInstance, days: int, most: int | None = None, dry_run: bool = False) -> Purge:
    """Remove runs that ended more than so many days ago, the oldest first and `most` at most, with their events and log files."""
    before = time.time() - days * DAY
    runs = list(past_runs(instance))
    old = sum(run.ended is not None and run.ended < before for run in runs)
    gone: set[str] = set()
    done, left = Counter[str](), 0
    for work in removable(runs, before):
        if any(_is_shown(instance, run.run_id) for run in work):
            continue
        if most is not None and len(gone) + len(work) > most:
            left += len(work)
            continue
        for run in work:  # the newest first: the number of those that are left is the next one's, at any time
            if not dry_run:
                _remove(instance, run.run_id)
            gone.add(run.run_id)
            done[run.job] += 1
    remove_files: Callable[[float, set[str]], None] | None = getattr(instance.run_launcher, "remove_files", None)
    if remove_files and not dry_run:
        remove_files(before, {path for run in runs if run.run_id not in gone for path in run.files})
    return Purge(done, old - len(gone) - left, left)


def past_runs(instance: dg.DagsterInstance) -> Iterator[Past]:
    """All runs, the newest first."""
    cursor = None
    while records := instance.get_run_records(limit=PAGE, cursor=cursor):
        yield from map(_past, records)
        cursor = records[-1].dagster_run.run_id


def _past(record: dg.RunRecord) -> Past:
    run = record.dagster_run
    mine = own(run.run_id, run.tags)
    is_settled = run.is_finished and all(mine.get(state, SETTLED) == SETTLED for state in STATES)
    ended = record.end_time or record.update_timestamp.timestamp()
    files = tuple(mine[tag].rpartition(".")[0] for tag in ("slurm/script", "slurm/log") if tag in mine)
    subject = run.tags.get(PARTITION) or run.tags.get(CONFIG) or ""
    work = run.tags.get(DUE) or run.tags.get(ROOT) or run.run_id
    return Past(run.run_id, run.job_name, subject, work, ended if is_settled else None, run.is_success, files)


def removable(runs: Iterable[Past], before: float) -> list[list[Past]]:
    """The runs that may go, given all runs, the newest first: those of the same work together, the oldest work first. Whether Dagster
    shows what they recorded is not looked at."""
    works: dict[str, list[Past]] = {}
    kept: set[str] = set()
    succeeded: set[str] = set()
    for run in runs:
        works.setdefault(run.work, []).append(run)
        needed = bool(run.subject) and run.subject not in succeeded
        if needed and run.succeeded:
            succeeded.add(run.subject)
        if needed or run.ended is None or run.ended >= before:
            kept.add(run.work)
    return [work for name, work in reversed(works.items()) if name not in kept]


def _is_shown(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run recorded the latest materialization or observation of a partition, or of an asset without partitions."""
    shown: dict[tuple[dg.AssetKey, dg.DagsterEventType], list[str | None]] = {}
    for record in _records(instance, run_id):
        if record.asset_key:
            shown.setdefault((record.asset_key, record.event_type), []).append(record.partition_key)
    for (asset, kind), partitions in shown.items():
        keys = {key for key in partitions if key is not None}
        if None in partitions or any(each.run_id == run_id for each in latest_events(instance, asset, kind, keys)):
            return True
    return False


def _records(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.EventLogRecord]:
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=SHOWN)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    with suppress(OSError, NotImplementedError):
        instance.compute_log_manager.delete_logs(prefix=[run_id])
