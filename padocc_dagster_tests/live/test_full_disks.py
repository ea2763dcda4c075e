"""A disk that is full while projects are at work, and then has room again: nothing is lost or done twice, and failures name the disk."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from padocc_dagster.pipeline.remedies.words import AGAIN
from padocc_dagster.pipeline.workdir.event_log import ends_of
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster_tests.cleanup import fill, small_disk
from padocc_dagster_tests.live.conftest import Live, free_port, start, stop
from padocc_dagster_tests.live.test_kills import all_published, drop, finished_once, wait_for_work
from padocc_dagster_tests.slurm.live.faults import Row, fault, row_of

FULL = "DiskFullError"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """With a disk for the working directory, one for Dagster's and one for what is published."""
    root = tmp_path_factory.mktemp("disks")
    with (
        small_disk(root / "work", "size=64m", "mode=755") as work,
        small_disk(work / "dagster", "size=64m", "mode=755"),
        small_disk(work / "completed", "size=16m", "mode=755"),
    ):
        port = free_port()
        live = Live(Workdir(work), root / "sources", port, start(work, port))
        try:
            yield live
        finally:
            stop(live.process)
            live.instance.dispose()


def command(live: Live, *words: str) -> str:
    """What a command says of the working directory."""
    argv = [sys.executable, "-m", "padocc_dagster.cli", *words]
    return subprocess.run([*argv, "-w", str(live.workdir.root)], capture_output=True, text=True, check=True).stdout


def runs_of(live: Live, key: str) -> list[dg.DagsterRun]:
    return live.runs(**{"dagster/partition": key})


def passed(live: Live, key: str) -> list[str]:
    """The phases that passed, in their order."""
    return [row.phase for row in live.rows(key) if row.verdict in ("ok", "warned")]


def told_by_step(live: Live, run: dg.DagsterRun) -> str:
    """The failure that the run's page shows."""
    [failed] = live.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return failed.dagster_event.step_failure_data.user_failure_data.description


def follow(told: str) -> None:
    """Run the command that a failure shows."""
    remedy = next(line for line in told.splitlines() if line.strip().startswith("padocc-dagster"))
    subprocess.run([sys.executable, "-m", "padocc_dagster.cli", *shlex.split(remedy)[1:]], check=True, capture_output=True)


def row(live: Live, group: str, kind: str, reported: str, made: str) -> Row:
    """What became of the group's project, for the table of all faults."""
    runs = runs_of(live, f"{group}:p0")
    passed = [row.phase for row in live.rows(f"{group}:p0") if row.verdict in ("ok", "warned")]
    figures = {
        "jobs": 0,
        "attempts": len(runs),
        "duplicates": passed.count("complete") - 1,
        "lost": sum(not run.is_finished for run in runs),
    }
    return row_of(fault(kind, made), "-", reported, **figures)


def test_where_the_disk_of_the_published_is_full_the_product_waits_for_a_person_who_frees_it(
    live: Live, record_property: Callable[[str, object], None]
) -> None:
    group = drop(live, "published", 1)
    project, shelf = Project(group, "p0"), live.workdir.completed / group
    wait_for_work(live, group, "scan")
    with fill(live.workdir.completed):
        wait_for_work(live, group, "complete")
        live.wait("the run to fail", lambda: all(run.is_finished for run in runs_of(live, str(project))))
        end = next(ends_of(live.workdir, project))
        assert end.status == f"Failed-{FULL}" and f"{live.workdir.completed} has 0 MiB left" in end.message
        assert f"the disk of {live.workdir.completed} is full" in command(live, "status")
        assert not shelf.exists() or not list(shelf.iterdir())
    [run] = runs_of(live, str(project))
    follow(told_by_step(live, run))
    live.wait("the product", lambda: passed(live, str(project))[-1] == "complete")
    assert passed(live, str(project)) == ["init", "scan", "compute", "validate", "validate", "complete"]
    live.wait("its run to end", lambda: all(run.is_finished for run in runs_of(live, str(project))))
    record_property("faults", [row(live, group, "the disk of completed/ is full when it is published", end.error_class, FULL)])


def test_where_the_disk_of_the_working_directory_is_full_the_phase_is_done_when_there_is_room(
    live: Live, record_property: Callable[[str, object], None]
) -> None:
    group = drop(live, "at-work", 1)
    wait_for_work(live, group, "scan")
    with fill(live.workdir.root):
        live.wait("the run to fail", lambda: all(run.is_finished for run in runs_of(live, f"{group}:p0")))
        [run] = runs_of(live, f"{group}:p0")
        told = told_by_step(live, run)
        assert FULL in told and f"{live.workdir.root} has 0 MiB left" in told
        assert f"the disk of {live.workdir.root} is full" in command(live, "status")
    if (last := live.rows(f"{group}:p0")[-1]).verdict == "failed":  # recorded in what room temporary files had left
        command(live, AGAIN[last.phase], f"{group}:p0", "--why", "there is room")
    live.wait("the product", lambda: all_published(live, group))
    finished_once(live, group)
    live.wait("its run to end", lambda: all(run.is_finished for run in runs_of(live, f"{group}:p0")))
    reported = FULL if FULL in told else "another"
    record_property("faults", [row(live, group, "the disk of the working directory is full while it works", reported, FULL)])


def test_where_the_disk_of_dagsters_database_is_full_the_work_is_done_and_reported_when_there_is_room(
    live: Live, record_property: Callable[[str, object], None]
) -> None:
    group = drop(live, "reported", 1)
    wait_for_work(live, group, "scan")
    with fill(live.workdir.root / "dagster"):
        wait_for_work(live, group, "compute")
        assert f"the disk of {live.workdir.root}/dagster is full" in command(live, "status")
    live.wait("the product", lambda: all_published(live, group))
    finished_once(live, group)
    live.wait("its run to end", lambda: all(run.is_finished for run in runs_of(live, f"{group}:p0")))
    record_property("faults", [row(live, group, "the disk of Dagster's database (SQLite) is full while it works", "-", "-")])
