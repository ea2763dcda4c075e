"""Runs that are killed: the end is written down, nothing half-made stays, and the same run made again ends right."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from padocc_dagster.pipeline import phases
from padocc_dagster.pipeline.files import read_json, write_json
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster.pipeline.product import product_of
from padocc_dagster.pipeline.workers.call import WorkerDiedError
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.killing import killed_when, wait_for, workers
from padocc_dagster_tests.pipeline.projects import Made, copy, make


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Files enough that there is a middle to be killed in."""
    made = make(tmp_path_factory.mktemp("many"), Series(lengths=(4,) * 30, lat=12, lon=12))
    made.through("scan")
    return made


def without_caches(made: Made) -> Made:
    """The files whose appearance is the moment to kill must not be there yet."""
    for trial in [*made.folder.glob("trial-*"), *made.folder.glob("cache/*")]:
        trial.unlink()
    return made


MOMENTS = [
    ("scan", {}, "trial-k1.0a.json"),
    ("scan", {}, "cache/1.json"),
    ("compute", {}, "cache/0.json"),
    ("compute", {}, "cache/25.json"),
    ("compute", {"cloud_format": "zarr"}, "zr1.0a.zarr/zarr.json"),
    ("compute", {"cloud_format": "zarr"}, "zr1.0a.zarr/tas/c"),
]


def test_a_scan_killed_at_work_leaves_the_format_that_was_asked_for(many: Made, tmp_path: Path) -> None:
    made = without_caches(copy(many, tmp_path))
    base = read_json(made.workdir.base_cfg(made.project))
    base["override"] = {"cloud_type": "zarr", "file_type": None}
    base["padocc_dagster"]["options"]["cloud_format"] = "zarr"
    write_json(made.workdir.base_cfg(made.project), base)
    killed_when((made.folder / "cache" / "1.json").exists, lambda: made.run("scan"))
    assert read_json(made.workdir.base_cfg(made.project))["override"]["cloud_type"] == "kerchunk"
    assert product_of(made.workdir, made.project).cloud_format == "zarr"
    made.through("scan")
    assert read_json(made.workdir.base_cfg(made.project))["override"]["cloud_type"] == "zarr"
    assert made.through("compute").details["revision"] == "zr1.0"


@pytest.mark.parametrize(("phase", "choices", "moment"), MOMENTS, ids=lambda value: str(value).replace("/", "-"))
def test_a_killed_phase_is_written_down_and_run_again_ends_right(
    many: Made, tmp_path: Path, phase: str, choices: dict, moment: str
) -> None:
    made = without_caches(copy(many, tmp_path))
    before = len(made.rows)
    outcome = killed_when((made.folder / moment).exists, lambda: made.run(phase, **choices))
    assert (outcome.verdict, outcome.error_class, outcome.status) == (Verdict.FAILED, "WorkerDiedError", "Failed-SIGKILL")
    assert "SIGKILL" in outcome.message
    assert outcome.log_tail
    killed = (phase, "Failed-SIGKILL")  # after PADOCC's own row, when that was written by then
    assert made.statuses[before:] in ([killed], [(phase, "Success"), killed])
    assert made.run(phase, **choices).verdict is Verdict.OK
    assert made.statuses[-1] == (phase, "Success")
    if phase == "scan":
        made.through("compute")
    assert made.verified()["problems"] == []


def test_a_killed_validation_runs_again(at: Callable[[str], Made]) -> None:
    made = at("computed")
    outcome = killed_when(made.workdir.phase_log(made.project, "validate").exists, lambda: made.run("validate"))
    assert outcome.status == "Failed-SIGKILL"
    assert made.run("validate").verdict is Verdict.OK


def test_a_killed_comparison_leaves_no_result_and_runs_again(many: Made, tmp_path: Path) -> None:
    made = copy(many, tmp_path)
    made.through("compute")
    lock = made.workdir.project_lock(made.project)
    result = killed_when(lock.exists, lambda: phases.verify(made.workdir, made.project))
    assert isinstance(result, WorkerDiedError)
    assert not made.workdir.comparison(made.project).exists()
    assert phases.verify(made.workdir, made.project).passed


def computing_elsewhere(made: Made) -> tuple[subprocess.Popen, psutil.Process]:
    """A process in the middle of compute, and its worker."""
    script = (
        "from pathlib import Path; from padocc_dagster.pipeline import phases; from padocc_dagster.pipeline.layout import *;"
        f"phases.compute(Workdir(Path({str(made.workdir.root)!r})), Project('grp', 'proj'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    wait_for((made.folder / "cache" / "0.json").exists, "the middle of compute")
    (worker,) = workers()
    return parent, worker


def test_a_worker_ends_with_its_parent_and_the_lock_is_free_at_once(many: Made, tmp_path: Path) -> None:
    made = without_caches(copy(many, tmp_path))
    parent, worker = computing_elsewhere(made)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker's end")
    assert made.run("compute").verdict is Verdict.OK
    assert made.verified()["problems"] == []


def test_an_interrupted_caller_leaves_a_cancelled_row_and_no_worker(many: Made, tmp_path: Path) -> None:
    made = without_caches(copy(many, tmp_path))
    parent, worker = computing_elsewhere(made)
    parent.send_signal(signal.SIGINT)
    parent.wait()
    assert not worker.is_running()
    assert made.statuses[-1] == ("compute", "JobCancelled")
