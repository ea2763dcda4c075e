"""Whatever dies in the middle: nothing is lost, nothing that was finished runs again, no wrong product is published."""

import os
import signal

import psutil

from padocc_dagster.pipeline.phases import CANCELLED
from padocc_dagster.pipeline.status import StatusRow
from padocc_dagster_tests.live.conftest import Live, start, stop
from padocc_dagster_tests.make_netcdf import Series

PROJECTS = ("p0", "p1")
ONCE = ["init", "scan", "compute", "validate", "complete"]


def drop_two(live: Live, group: str) -> None:
    series = Series(lengths=(6,) * 8)
    live.drop(group, [{"code": code, "pattern": live.series(code, series, seed)} for seed, code in enumerate(PROJECTS)])


def passed(rows: list[StatusRow]) -> list[str]:
    """The phases that passed, in order. PADOCC says so before the phase has ended: one that was killed in between did not pass."""
    later = [*rows[1:], None]
    ended = [row for row, after in zip(rows, later, strict=True) if not (after and (after.phase, after.status) == (row.phase, CANCELLED))]
    return [row.phase for row in ended if row.verdict in ("ok", "warned")]


def all_published(live: Live, group: str) -> bool:
    return all(live.state(f"{group}:{code}").phase == "complete" for code in PROJECTS)


def wait_for_work(live: Live, group: str, phase: str) -> None:
    live.wait(f"the first {phase}", lambda: any(row.phase == phase for code in PROJECTS for row in live.rows(f"{group}:{code}")))


def test_killing_the_daemon_and_the_web_server_repeats_nothing(live: Live) -> None:
    drop_two(live, "after-services")
    wait_for_work(live, "after-services", "scan")
    live.kill("daemon")
    live.kill("webserver")
    wait_for_work(live, "after-services", "compute")
    live.kill("daemon")
    live.wait("all products", lambda: all_published(live, "after-services"))
    for code in PROJECTS:
        assert passed(live.rows(f"after-services:{code}")) == ONCE


def test_killing_a_run_at_work_repeats_that_phase_alone(live: Live) -> None:
    drop_two(live, "after-run")
    wait_for_work(live, "after-run", "scan")
    worker = live.wait("a worker of PADOCC", lambda: _worker(live))
    os.kill(worker.ppid(), signal.SIGKILL)
    worker.wait(30)
    live.wait("all products", lambda: all_published(live, "after-run"))
    for code in PROJECTS:
        assert passed(live.rows(f"after-run:{code}")) == ONCE


def _worker(live: Live) -> psutil.Process | None:
    for process in psutil.Process(live.process.pid).children(recursive=True):
        try:
            if "padocc_dagster.pipeline.worker" in process.cmdline():
                return process
        except psutil.NoSuchProcess:
            continue
    return None


def test_killing_everything_and_starting_again_ends_with_every_product(live: Live) -> None:
    drop_two(live, "after-all")
    wait_for_work(live, "after-all", "scan")
    os.kill(live.process.pid, signal.SIGKILL)
    live.process.wait()
    live.process = start(live.workdir.root, live.port)
    live.wait("all products", lambda: all_published(live, "after-all"))
    for code in PROJECTS:
        assert passed(live.rows(f"after-all:{code}")) == ONCE


def test_ending_in_the_middle_and_starting_again_ends_with_every_product(live: Live) -> None:
    drop_two(live, "after-stop")
    wait_for_work(live, "after-stop", "scan")
    stop(live.process)
    assert _nothing_left(live)
    live.process = start(live.workdir.root, live.port)
    live.wait("all products", lambda: all_published(live, "after-stop"))


def _nothing_left(live: Live) -> bool:
    root = str(live.workdir.root)
    return not [p for p in psutil.process_iter(["cmdline"]) if any(root in word for word in p.info["cmdline"] or ())]
