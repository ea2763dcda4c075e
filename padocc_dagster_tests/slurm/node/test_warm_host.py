"""The main process of a job for many runs, really started, with runs that do what their ids say."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from padocc_dagster.services import processes
from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Request
from padocc_dagster.slurm.node.report import Report, claim, read
from padocc_dagster_tests.cleanup import at_work_below
from padocc_dagster_tests.slurm.node.host_jobs import STEP, wait_for
from padocc_dagster_tests.slurm.node.pretended_warmth import EDITED, FAILING

COMMAND = (sys.executable, "-P", "-m", "padocc_dagster_tests.slurm.node.pretended_warmth")
PACKAGE = str(Path(__file__).parents[3])
JOB = 7
BEGAN = datetime(2026, 11, 23, 3, 7, tzinfo=UTC)


@dataclass
class Node:
    """A host's folder, and the host."""

    root: Path
    folder: HostFolder
    process: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)
    step: tuple[str, ...] = ()
    """The command that starts the host as its child; none where the test does."""

    @property
    def report(self) -> Path:
        return self.root / "host.json"

    def change(self, **more: object) -> None:
        """The folder of a host that is to be otherwise."""
        self.folder.clear()
        self.folder = HostFolder.make(self.root / "hosts", replace(HOST, **more))

    def join(self, *run_ids: str, wall_seconds: int = 600) -> None:
        for run_id in run_ids:
            assert self.folder.join(Request(run_id, f"{self.root}/{run_id}.json", f"{self.root}/{run_id}.log", wall_seconds))
            time.sleep(0.01)

    def start(self) -> None:
        with open(self.root / "host.log", "ab") as log:
            command = [*self.step, *COMMAND, "--folder", str(self.folder.path), "--report", str(self.report)]
            more = {"PYTHONPATH": PACKAGE, "SLURM_JOB_ID": str(JOB), "SLURMD_NODENAME": "n1", **self.environment}
            self.process = subprocess.Popen(command, cwd=self.root, env={**os.environ, **more}, stdout=log, stderr=log)

    def end(self) -> int:
        assert self.process
        return self.process.wait(60)

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def done(self, *run_ids: str) -> None:
        wait_for(lambda: set(run_ids) <= set(self.folder.runs("done")), f"the ends of {run_ids}")

    def begun(self, run_id: str) -> None:
        wait_for((self.root / f"{run_id}.begun").exists, f"the beginning of {run_id}")

    def said(self, run_id: str) -> Report:
        return read(self.root / f"{run_id}.json")

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text()


HOST = Host("h", "memory=2G", "", "/log", 3600, 0, 1, 60, 60, "")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path, HostFolder.make(tmp_path / "hosts", HOST))
    yield made
    if made.process:
        made.process.kill()
        made.process.wait()


def test_runs_are_worked_on_in_the_order_in_which_they_came_each_with_its_own_log(node: Node) -> None:
    node.join("ok-b", "ok-a")
    node.start()
    node.done("ok-a", "ok-b")
    first, second = node.said("ok-b"), node.said("ok-a")
    assert (first.job_id, first.host, first.exit_status, first.signal) == (JOB, "n1", 0, None)
    assert first.ended <= second.ended and first.peak_memory_mib > 0
    assert node.log("ok-a") == "ok-a is at work\n" and node.folder.pace().runs == 2


def test_a_run_that_dies_dies_alone(node: Node) -> None:
    node.join("die-9", "die-11", "ok-after")
    node.start()
    node.done("die-9", "die-11", "ok-after")
    assert [node.said(run_id).signal for run_id in ("die-9", "die-11", "ok-after")] == [9, 11, None]


def test_several_runs_work_at_a_time_and_one_that_holds_too_much_is_killed(node: Node) -> None:
    node.change(at_once=2, memory_mib=200)
    node.join("sleep-a", "eat-300", "ok-next")
    node.start()
    node.begun("sleep-a")
    node.done("eat-300", "ok-next")
    greedy = node.said("eat-300")
    assert greedy.out_of_memory and greedy.peak_memory_mib > 200 and node.folder.runs("claimed") == ["sleep-a"]


def test_a_run_past_its_own_wall_time_is_killed_with_all_that_it_started(node: Node) -> None:
    node.join("sleep-long", wall_seconds=1)
    node.start()
    node.done("sleep-long")
    assert node.said("sleep-long").out_of_time and node.said("sleep-long").signal == 9


@pytest.mark.parametrize(("run_id", "number"), [("sleep-x", None), ("deaf-x", 9)])
def test_a_cancelled_run_ends_in_order_or_is_killed_after_its_grace(node: Node, run_id: str, number: int | None) -> None:
    node.change(grace_seconds=1)
    node.join(run_id, "ok-after")
    node.start()
    node.begun(run_id)
    node.folder.request_end(run_id)
    node.done(run_id, "ok-after")
    assert (node.said(run_id).stop_signal, node.said(run_id).signal) == ("SIGUSR1", number)
    assert node.folder.runs("cancelled") == [] and node.said("ok-after").stop_signal is None


def test_near_its_wall_time_a_host_starts_no_more_and_waits_for_what_works(node: Node) -> None:
    node.join("sleep-x", "ok-late")
    node.start()
    node.begun("sleep-x")
    node.signal(signal.SIGUSR2)
    wait_for(lambda: node.folder.runs("closed") == ["ok-late"], "the host to close")
    assert not node.folder.join(Request("ok-later", "", "", 1))
    node.folder.request_end("sleep-x")
    assert node.end() == 0 and node.folder.runs("closed") == ["ok-late"] and read(node.report).ended


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_host_that_slurm_ends_takes_along_what_works_and_leaves_the_cause_to_slurm(node: Node, number: signal.Signals) -> None:
    node.join("deaf-x", "ok-late")
    node.start()
    node.begun("deaf-x")
    node.signal(number)
    assert node.end() == 128 + number
    assert node.said("deaf-x").stop_signal == read(node.report).stop_signal == number.name
    assert (node.folder.runs("claimed"), node.folder.runs("closed")) == (["deaf-x"], ["ok-late"])


def test_a_run_goes_with_its_host(node: Node) -> None:
    node.join("deaf-x")
    node.start()
    node.begun("deaf-x")
    (child,) = psutil.Process(node.process.pid).children()
    node.signal(signal.SIGKILL)
    node.end()
    wait_for(lambda: not processes.is_alive(child), "the run's process to end")


def test_a_host_whose_job_step_is_killed_ends_with_its_runs(node: Node) -> None:
    node.join("deaf-x", "ok-late")
    node.step = (sys.executable, "-S", "-E", "-c", STEP)
    node.start()
    node.begun("deaf-x")
    (host,) = psutil.Process(node.process.pid).children()
    node.signal(signal.SIGKILL)
    node.end()
    wait_for(lambda: not processes.is_alive(host), "the host to end")
    assert node.said("deaf-x").stop_signal == read(node.report).stop_signal == "SIGTERM" and node.said("deaf-x").ended
    assert (node.folder.runs("claimed"), node.folder.runs("closed")) == (["deaf-x"], ["ok-late"])


def test_an_idle_host_ends(node: Node) -> None:
    node.change(idle_seconds=1)
    node.join("ok-only")
    node.start()
    assert node.end() == 0
    report = read(node.report)
    assert report.ended and (report.exit_status, report.stop_signal) == (0, None) and not node.folder.is_open


def test_a_run_for_which_too_little_time_is_left_is_returned(node: Node) -> None:
    node.join("ok-long", wall_seconds=3601)
    node.join("ok-short")
    node.start()
    node.done("ok-short")
    assert node.folder.runs("returned") == ["ok-long"] and node.said("ok-long") is None


def test_a_run_that_another_job_has_is_not_begun(node: Node) -> None:
    node.join("ok-theirs", "ok-mine")
    claim(node.root / "ok-theirs.json", Report(6, "n2", BEGAN))
    node.start()
    node.done("ok-mine")
    assert node.said("ok-theirs").job_id == 6 and not (node.root / "ok-theirs.log").exists() and node.folder.runs("claimed") == []


def test_a_run_whose_report_cannot_be_made_is_returned_and_the_host_ends(node: Node) -> None:
    assert node.folder.join(Request("ok-x", str(node.root / "no" / "x.json"), str(node.root / "x.log"), 60))
    node.start()
    assert node.end() == 0
    assert node.folder.runs("returned") == ["ok-x"] and "cannot be made" in node.log("host")


def test_nothing_that_a_run_started_outlives_it(node: Node) -> None:
    node.join("leave-x")
    node.start()
    node.done("leave-x")
    assert at_work_below(node.process.pid) == []


def test_after_something_was_edited_a_host_starts_no_more(node: Node) -> None:
    node.environment[EDITED] = str(node.root / "edited")
    node.join("sleep-x", "ok-new")
    node.start()
    node.begun("sleep-x")
    (node.root / "edited").touch()
    node.folder.request_end("sleep-x")
    assert node.end() == 0
    assert node.folder.runs("closed") == ["ok-new"] and "Something has been installed" in node.log("host")


def test_where_the_imports_fail_each_run_gets_an_interpreter_of_its_own_and_says_why_it_fails(node: Node) -> None:
    node.environment |= {FAILING: "yes", "DAGSTER_HOME": ""}
    node.join("x", "y")
    node.start()
    node.done("x", "y")
    assert node.said("x").exit_status == 1 and "DAGSTER_HOME" in node.log("x") and "nothing can be imported" in node.log("host")


def test_a_second_job_for_the_same_host_ends_at_once(node: Node) -> None:
    claim(node.report, Report(6, "n2", BEGAN))
    node.join("ok-x")
    node.start()
    assert node.end() == 0 and node.folder.runs("open") == ["ok-x"]
