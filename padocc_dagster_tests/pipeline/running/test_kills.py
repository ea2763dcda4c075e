"""Runs that are killed: the end is written down, nothing half-made stays, and the same run made again ends right."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.call import WorkerDiedError
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.services import processes
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.killing import wait_for
from padocc_dagster_tests.pipeline.moments import ending_at
from padocc_dagster_tests.pipeline.projects import Made, choose, copy, make


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


COMPUTE = """
import sys
from pathlib import Path
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster_tests.pipeline.moments import ending_at
with ending_at(Path(sys.argv[2]), "hold"):
    phases.compute(Workdir(Path(sys.argv[1])), Project("grp", "proj"))
"""
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
    choose(made, cloud_format="zarr")
    write_json(made.workdir.base_cfg(made.project), base)
    with ending_at(made.folder / "cache" / "1.json"):
        made.run("scan")
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
    with ending_at(made.folder / moment):
        outcome = made.run(phase, **choices)
    assert (outcome.verdict, outcome.error_class, outcome.status) == (Verdict.FAILED, "WorkerDiedError", "Failed-SIGKILL")
    assert "SIGKILL" in outcome.message
    assert outcome.log_tail
    assert made.statuses[before:] == [(phase, "Failed-SIGKILL")]
    assert made.run(phase, **choices).verdict is Verdict.OK
    assert made.statuses[-1] == (phase, "Success")
    if phase == "scan":
        made.through("compute")
    assert made.verified()["problems"] == []


def test_a_killed_validation_runs_again(at: Callable[[str], Made]) -> None:
    made = at("computed")
    with ending_at(made.workdir.phase_log(made.project, "validate")):
        outcome = made.run("validate")
    assert outcome.status == "Failed-SIGKILL"
    assert made.run("validate").verdict is Verdict.OK


def test_a_killed_comparison_leaves_no_result_and_runs_again(many: Made, tmp_path: Path) -> None:
    made = copy(many, tmp_path)
    made.through("compute")
    with ending_at(made.workdir.project_lock(made.project)), pytest.raises(WorkerDiedError):
        phases.verify(made.workdir, made.project)
    assert not made.workdir.comparison(made.project).exists()
    assert phases.verify(made.workdir, made.project).passed


def computing_elsewhere(made: Made) -> tuple[subprocess.Popen, psutil.Process]:
    """A process in the middle of compute, where its worker is held, and that worker."""
    moment = made.folder / "cache" / "0.json"
    parent = subprocess.Popen([sys.executable, "-c", COMPUTE, str(made.workdir.root), str(moment)], stderr=subprocess.DEVNULL)
    wait_for(moment.exists, "the middle of compute")
    (worker,) = psutil.Process(parent.pid).children()
    return parent, worker


def test_a_worker_ends_with_its_parent_and_the_lock_is_free_at_once(many: Made, tmp_path: Path) -> None:
    made = without_caches(copy(many, tmp_path))
    parent, worker = computing_elsewhere(made)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not processes.is_alive(worker), "the worker's end")
    assert made.run("compute").verdict is Verdict.OK
    assert made.verified()["problems"] == []


def test_an_interrupted_caller_leaves_a_cancelled_row_and_no_worker(many: Made, tmp_path: Path) -> None:
    made = without_caches(copy(many, tmp_path))
    parent, worker = computing_elsewhere(made)
    parent.send_signal(signal.SIGINT)
    parent.wait()
    assert not worker.is_running()
    assert made.statuses[-1] == ("compute", "JobCancelled")
