"""Which jobs have ended, and how, from every source that may know, and only when it is certain.

A job that is not in the queue may have ended, or be on its way from one list to the next. So the order is: the accounting, the queue's
own memory of ended jobs, the controller, the job's own report; and a job that no source knows is given up after two looks and
`VANISHED_SECONDS`. A job that only the accounting still lists as running gets `LAG_SECONDS`.

A controller that is started without its state (`slurmctld -c`) lets the accounting close all jobs as CANCELLED, by nobody. It kills what
its nodes still run of them when they register, so such an end counts when the job's own report has one, or after `KILLED_SECONDS`.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from padocc_dagster.slurm.runs.owners import Owner
from padocc_dagster.slurm.scheduler.client import Client, NoAccountingError, NoAnswerError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue, missed
from padocc_dagster.slurm.settings import Settings

VANISHED_SECONDS = 120.0
ACCOUNTING_SECONDS = 60.0
"""How long to wait for the accounting, which records an end a little later than the queue."""
LAG_SECONDS = 3600.0
CLOCKS_DIFFER = timedelta(hours=15)
"""Postgres writes down a run's creation by its server's time zone, which is up to 14 hours ahead, and Dagster reads that as UTC."""
KILLED_SECONDS = 30.0
NO_ACCOUNTING_SECONDS = 86400.0
SHOWN_AT_ONCE = 20


def ends_of(owners: Mapping[int, Owner], queue: Queue, since: datetime, settings: Settings, client: Client) -> dict[int, Job | None]:
    """For the jobs that have certainly ended, what SLURM says of them; None when only the job's own report, or nobody, knows.

    `owners` maps the ids of jobs that left the queue to what they were submitted for, the first of them at `since`.
    """
    accounted = _accounted(owners, since, settings, client)
    first_missed = missed(settings.log_folder.queue, set(owners))
    controller = _Controller(client)
    ends: dict[int, Job | None] = {}
    for job_id, owner in owners.items():
        seen = queue.jobs.get(job_id)
        is_anothers = seen is not None and not owner.owns(seen)
        waited = math.inf if is_anothers else time.time() - first_missed[job_id]
        accounting = _own(accounted.get(job_id) if accounted else None, owner)
        if accounting is not None and accounting.is_over:
            forgotten = accounting.state == "CANCELLED" and not accounting.cancelled_by and _own(seen, owner) is None
            if not forgotten or not _works(owner) or waited > KILLED_SECONDS:
                ends[job_id] = replace(accounting, forgotten=forgotten)
        elif accounted is None or waited > ACCOUNTING_SECONDS:
            remembered = controller.show(job_id, owner) or _own(seen, owner)
            patience = max(VANISHED_SECONDS if accounting is None else LAG_SECONDS, 2 * settings.poll_interval_seconds)
            if remembered is not None:
                if remembered.is_over:
                    ends[job_id] = remembered
            elif ((report := owner.report()) and report.ended) or waited > patience:
                ends[job_id] = None
    return ends


class _Controller:
    """The controller's memory of single jobs, read a few times in a pass, and no more once it is silent."""

    def __init__(self, client: Client) -> None:
        self._client, self._left = client, SHOWN_AT_ONCE

    def show(self, job_id: int, owner: Owner) -> Job | None:
        """What it says of the owner's job; None when it knows none, or is silent."""
        if self._left <= 0:
            return None
        self._left -= 1
        try:
            return _own(self._client.show(job_id), owner)
        except NoAnswerError:
            self._left = 0
            return None


def _accounted(owners: Mapping[int, Owner], since: datetime, settings: Settings, client: Client) -> dict[int, Job] | None:
    """What the accounting says; None where there is none or it does not answer. That a cluster has none is found out once a day."""
    mark = settings.log_folder.root / "no-accounting"
    if mark.exists() and 0 <= time.time() - mark.stat().st_mtime < NO_ACCOUNTING_SECONDS:
        return None
    try:
        jobs = client.accounting(sorted(owners), since - CLOCKS_DIFFER)
    except NoAccountingError:
        with suppress(OSError):  # the disk may be full
            mark.touch()
        return None
    except NoAnswerError:
        return None
    return {job.job_id: job for job in jobs}


def _works(owner: Owner) -> bool:
    """Whether the job's own report says that it began, and not yet that it ended."""
    report = owner.report()
    return report is not None and report.ended is None


def _own(job: Job | None, owner: Owner) -> Job | None:
    """The job, if it is the owner's."""
    return job if job is not None and owner.owns(job) else None
