"""A group `g` whose files a test writes by hand, and the conductor looking at it tick by tick. Nothing is run."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from padocc_dagster.conductor.memory import Memory
from padocc_dagster.conductor.tick import tick
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.event_log import events_of, record
from padocc_dagster.pipeline.workdir.events import Event
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster.runs import DUE, PARTITION

INIT, SCAN, COMPUTED, VALIDATED = ("init", "Success"), ("scan", "Success"), ("compute", "Success"), ("validate", "(K)Warn-x")
COMPLETE = ("complete", "Success")
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


class Conducted:
    """The group, the instance, and what the conductor remembers."""

    def __init__(self, root: Path, instance: dg.DagsterInstance, codes: str = "a") -> None:
        self.workdir, self.instance, self.reported = Workdir(root), instance, 0.0
        self.logged: list[str] = []
        self.forget()
        if not codes:
            return
        for code in codes:
            self.rows(code, INIT)
        write_lines(self.workdir.main_list("g"), list(codes))
        manage(self.workdir, "g")

    def forget(self) -> None:
        """The process that remembers is another one."""
        self.memory = Memory(Standings(self.workdir))

    def rows(self, code: str, *ends: tuple[str, str]) -> None:
        for phase, status in ends:
            append_row(self.workdir.status_log(Project("g", code)), phase, status)

    def event(self, code: str, event: Event) -> None:
        record(self.workdir, Project("g", code), event)

    def statuses(self, code: str = "a") -> list[tuple[str, str]]:
        return [(row.phase, row.status) for row in read_rows(self.workdir.status_log(Project("g", code)))]

    def events(self, kind: type, code: str = "a") -> list[Any]:
        return [event for event in events_of(self.workdir, Project("g", code)) if isinstance(event, kind)]

    def tick(self) -> list[dg.RunRequest]:
        """All that one tick requests."""
        log: Any = logging.getLogger("conducted")
        log.handlers, log.propagate = [_Kept(self.logged)], False
        context: Any = SimpleNamespace(instance=self.instance, log=log)
        found, self.reported = tick(context, self.memory, self.reported)
        return found

    def due(self) -> list[dg.RunRequest]:
        """The runs that one tick requests for what is due."""
        return [request for request in self.tick() if DUE in request.tags]

    def run(self, request: dg.RunRequest, status: str, **tags: str) -> dg.DagsterRun:
        """A run as the daemon makes it of a request: not yet started, or at once ended so."""
        given = {
            **request.tags,
            PARTITION: request.partition_key or request.tags[PARTITION],
            "dagster/run_key": request.run_key or "",
            **tags,
        }
        run = create_run_for_test(self.instance, request.job_name, tags=given, status=dg.DagsterRunStatus.NOT_STARTED)
        if status in ENDED:
            self.end(run, status)
        return run

    def end(self, run: dg.DagsterRun, status: str, started: bool = False) -> None:
        end(self.instance, run, status, started)


def made_by_the_daemon(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.DagsterRun:
    """A run as the daemon makes it of a request of the inbox, not yet started."""
    tags = {**request.tags, "dagster/run_key": request.run_key or ""}
    return create_run_for_test(instance, "initialise_group", tags=tags, status=dg.DagsterRunStatus.NOT_STARTED)


def end(instance: dg.DagsterInstance, run: dg.DagsterRun, status: str, started: bool = False) -> None:
    """Report the end of a run, that of a worker which had begun if `started`."""
    if started:
        instance.report_dagster_event(_event(dg.DagsterEventType.RUN_START, run), run.run_id)
    if status == "FAILURE":
        instance.report_run_failed(run, "the worker is gone")
    elif status == "CANCELED":
        instance.report_run_canceled(run)
    else:
        instance.report_dagster_event(_event(dg.DagsterEventType.RUN_SUCCESS, run), run.run_id)


def looking_at(workdir: Workdir, instance: dg.DagsterInstance) -> Conducted:
    """A conductor that looks at a working directory for the first time."""
    return Conducted(workdir.root, instance, codes="")


class _Kept(logging.Handler):
    """Keeps sentences."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self.kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


def _event(kind: dg.DagsterEventType, run: dg.DagsterRun) -> dg.DagsterEvent:
    return dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
