"""What a run of the project's assets asks a cluster for."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster import allocations
from padocc_dagster.allocations import ASSET_JOB, COMPARE_JOB, JOBS, MINUTES, allocation_for
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import MOST_MIB, MOST_SECONDS
from padocc_dagster.batch.policy import PastJob, Work
from padocc_dagster.pipeline.running.estimate import estimate, estimate_compute, size_of
from padocc_dagster.pipeline.running.learning import Fit, Learned
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, choose, copy, make

MINUTE = 60
COMPUTE = frozenset({"cloud_product"})
LARGE = {
    "num_files": 1000,
    "source_data": "200.00 GB",
    "chunk_info": {"variables": {"tas": "3000.0"}, "chunks_per_file": "3000.0", "total_chunks": "3000000.00"},
    "timings": {"convert_estm": 0.5, "concat_estm": 0.02, "validate_estm": 0.3},
    "driver": "hdf5",
}
"""What a scan of a large project leaves in detail-cfg.json."""


def work(*assets: str, key: str | None = "grp:proj", job: str = ASSET_JOB, past: tuple[PastJob, ...] = ()) -> Work:
    return Work(key, frozenset(assets), job, {}, past)


def past(cause: str, asked: Allocation, assets: frozenset[str] = COMPUTE, elapsed: int | None = None, peak: int | None = None) -> PastJob:
    return PastJob(assets, asked, cause, elapsed, peak, cause == "COMPLETED")


@pytest.fixture(scope="module")
def scanned_once(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A real project of four files after PADOCC's scan."""
    made = make(tmp_path_factory.mktemp("allocations") / "scanned", Series(lengths=(2, 2, 2, 2)))
    made.through("scan")
    return made


@pytest.fixture
def scanned(scanned_once: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A copy that may be changed, in the working directory that the environment names."""
    made = copy(scanned_once, tmp_path)
    monkeypatch.setenv("WORKDIR", str(made.workdir.root))
    return made


@pytest.fixture
def change(scanned: Made) -> Callable[..., None]:
    """Set fields of the scanned project's detail-cfg.json, and options in its spec.json."""

    def change(options: dict[str, Any] | None = None, **detail: Any) -> None:
        path = scanned.workdir.detail_cfg(scanned.project)
        write_json(path, {**read_json(path), **detail})
        choose(scanned, **(options or {}))
        path = scanned.workdir.base_cfg(scanned.project)
        base = read_json(path)
        base["override"]["cloud_type"] = (options or {}).get("cloud_format", "kerchunk")
        write_json(path, base)

    return change


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKDIR", raising=False)


def minutes(allocation: Allocation) -> float:
    return allocation.wall_seconds / MINUTE


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        (["project"], 15),
        (["scan_report"], 15),
        (["cloud_product"], 60),
        (["validation_report"], 10),
        (["completed_product"], 15),
        (["scan_success", "compute_success", "validate_success"], 20),
        (["scan_success"], 20),
        (["group_overview"], 10),
        (["scan_report", "cloud_product", "validation_report"], 85),
        (["something_else"], 60),
        (["scan_report", "something_else"], 75),
    ],
)
def test_each_phase_has_its_default_and_several_get_the_sum_of_their_times(assets: list[str], expected: int) -> None:
    assert allocation_for(work(*assets)) == Allocation(expected * MINUTE, 2048, 1)


@pytest.mark.usefixtures("nowhere")
def test_jobs_that_name_no_assets_have_their_own_times() -> None:
    assert minutes(allocation_for(work(key=None, job="initialise_group"))) == 120
    assert minutes(allocation_for(work(key="grp", job="refresh_group"))) == 30
    assert minutes(allocation_for(work(key=None, job="somebody's"))) == 60


def test_every_asset_has_a_time_of_its_own_and_every_job_with_one_is_there() -> None:
    from padocc_dagster.definitions import defs

    known = {asset for _, made in MINUTES for asset in made}
    assert {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()} == known
    assert {job.name for job in defs.jobs} >= {*JOBS, COMPARE_JOB}


def test_a_small_scanned_project_gets_less_time_than_the_default_but_never_under_ten_minutes(scanned: Made) -> None:
    assert allocation_for(work("cloud_product")) == Allocation(10 * MINUTE, 2048, 1)
    assert allocation_for(work("scan_report", "cloud_product")) == Allocation(25 * MINUTE, 2048, 1)
    estimate = estimate_compute(scanned.workdir, scanned.project)
    assert estimate.scanned and 20 < estimate.seconds < 60 and 512e6 < estimate.memory_bytes < 1e9


def test_a_large_project_gets_what_its_scan_foretells(change: Callable[..., None]) -> None:
    change(**LARGE)
    # 20 s, 1000 files of 0.53 s, 3e6 references of 0.12 ms, and 5 % of the bytes read twice at 20 MB/s; times three
    seconds = 3 * (20 + 1000 * 0.53 + 3e6 * 1.2e-4 + 2 * 0.05 * 200e9 / 20e6)
    found = allocation_for(work("cloud_product"))
    assert seconds <= found.wall_seconds < seconds + 61
    assert found.memory_mib == pytest.approx((512e6 + 3e6 * 3000) / 2**20 + 2 * 256, abs=1)


def test_more_to_read_or_to_make_takes_more_time(change: Callable[..., None]) -> None:
    def seconds(**options: Any) -> int:
        change({"cloud_format": "kerchunk", "cfa": False, "compare": "auto", **options}, **LARGE)
        return allocation_for(work("cloud_product")).wall_seconds

    sampled = seconds()
    assert sampled < seconds(cfa=True) < seconds(compare="all") < seconds(compare="all", cloud_format="zarr")
    assert sampled < seconds(cloud_format="CFA")
    assert seconds(compare=0) == sampled < seconds(compare=500) < seconds(compare=100_000) == seconds(compare="all")


def test_checks_alone_get_the_time_of_a_computation(change: Callable[..., None]) -> None:
    change(**LARGE)
    assert allocation_for(work()) == allocation_for(work(job=COMPARE_JOB)) == allocation_for(work("cloud_product"))


def test_a_project_of_too_few_files_to_scan_is_estimated_by_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path, Series(lengths=(2, 2)))
    monkeypatch.setenv("WORKDIR", str(made.workdir.root))
    assert allocation_for(work("cloud_product")) == Allocation(60 * MINUTE, 2048, 1)
    for path in made.sources:
        os.truncate(path, 50_000_000_000)
    read_twice = 2 * 50e9 / 20e6  # one file of each kind
    assert 3 * read_twice < allocation_for(work("cloud_product")).wall_seconds < 3 * read_twice + 300


DAMAGES = [
    "", "{", "[]", "null", "{}", "\0", "[" * 100_000, '{"num_files": null}', '{"num_files": 4, "chunk_info": 3}', '{"num_files": "many"}',
    '{"num_files": 1e999}', '{"num_files": -4}', f'{{"num_files": {"9" * 400}}}', '{"num_files": NaN}',
    json.dumps({**LARGE, "source_data": None}), json.dumps({**LARGE, "source_data": "7"}), json.dumps({**LARGE, "source_data": "7 XB"}),
    json.dumps({**LARGE, "timings": {}}), json.dumps({**LARGE, "timings": {"convert_estm": None}}),
    json.dumps({**LARGE, "timings": {"convert_estm": -1}}), json.dumps({**LARGE, "chunk_info": {"total_chunks": ""}}),
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGES, ids=range(len(DAMAGES)))
@pytest.mark.parametrize("name", ["detail_cfg", "base_cfg"])
def test_a_damaged_file_of_the_project_leaves_the_default(scanned: Made, name: str, text: str) -> None:
    getattr(scanned.workdir, name)(scanned.project).write_text(text)
    assert allocation_for(work("cloud_product")) == Allocation(60 * MINUTE, 2048, 1)


def test_a_project_that_is_not_there_leaves_the_default(scanned: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    default = Allocation(60 * MINUTE, 2048, 1)
    scanned.workdir.detail_cfg(scanned.project).unlink()
    for key in ("grp:proj", "grp:other", "grp", "", "../..:x", None):
        assert allocation_for(work("cloud_product", key=key)) == default
    monkeypatch.setenv("WORKDIR", "not/absolute; rm")
    assert allocation_for(work("cloud_product")) == default


def test_whatever_a_scan_claims_the_allocation_can_be_asked_for(change: Callable[..., None]) -> None:
    rng = random.Random(5)
    for _ in range(100):
        huge = 10.0 ** rng.uniform(0, 300)
        change(**{**LARGE, "num_files": rng.choice((4, huge)), "chunk_info": {"total_chunks": str(huge)}})
        found = allocation_for(work("cloud_product"))
        assert 600 <= found.wall_seconds <= MOST_SECONDS and 2048 <= found.memory_mib <= MOST_MIB


def test_what_the_groups_runs_used_decides_the_next_ones_request(scanned: Made) -> None:
    workdir, project = scanned.workdir, scanned.project
    parts = estimate(size_of(workdir, project), "compute")
    fits = [Fit(weights=(weight,) * 4, margin=2.0, error=0.1, runs=9) for weight in (0.1, 100.0)]
    for fit in fits:
        memory = Fit(weights=(4.0, 4.0), margin=2.0, error=0.1, runs=9)
        workdir.learned(project.group).write_text(Learned(seconds={"compute": fit}, memory={"compute": memory}).model_dump_json())
        found = allocation_for(work("cloud_product"))
        assert found.wall_seconds == pytest.approx(max(10 * MINUTE, 2 * fit.weights[0] * parts.seconds), abs=60)
        assert found.memory_mib == pytest.approx(2 * 4 * parts.memory_bytes / 2**20 + 512, abs=2)
    seconds = Fit(weights=(60.0, 0, 0, 0), margin=2.0, error=0.1, runs=9)
    workdir.learned(project.group).write_text(Learned(seconds={"scan": seconds, "validate": seconds}).model_dump_json())
    together = allocation_for(work("scan_report", "cloud_product", "validation_report", "completed_product"))
    assert minutes(together) == 10 + 10 + 10 + 15  # 5 s times 60, twice, for what was learned; the estimate; the default


def test_what_a_project_died_of_raises_what_was_learned(scanned: Made) -> None:
    small = Fit(weights=(0.01, 0.01), margin=1.5, error=0.1, runs=9)
    scanned.workdir.learned(scanned.project.group).write_text(Learned(memory={"compute": small}).model_dump_json())
    assert allocation_for(work("cloud_product")).memory_mib == 1024
    died = past("OUT_OF_MEMORY", Allocation(600, 1024, 1))
    assert allocation_for(work("cloud_product", past=(died,))).memory_mib == 2048


@pytest.mark.parametrize(("files", "cpus"), [(4, 1), (999, 1), (1000, 2), (1500, 3), (100_000, 4)])
def test_a_project_of_many_files_wishes_for_several_cpus_and_time_enough_for_one(
    change: Callable[..., None], files: int, cpus: int
) -> None:
    change(**{**LARGE, "num_files": files})
    found = allocation_for(work("cloud_product"))
    assert found.cpus == cpus
    assert found.wall_seconds >= 3 * files * 0.53
    assert allocation_for(work("validation_report")).cpus == 1


@pytest.mark.usefixtures("nowhere")
def test_what_died_gets_at_least_twice_what_it_asked() -> None:
    asked = Allocation(90 * MINUTE, 3000, 1)
    assert allocation_for(work(*COMPUTE, past=(past("OUT_OF_MEMORY", asked),))) == Allocation(60 * MINUTE, 6000, 1)
    assert allocation_for(work(*COMPUTE, past=(past("TIMEOUT", asked),))) == Allocation(180 * MINUTE, 2048, 1)
    assert allocation_for(work(*COMPUTE, past=(past("OUT_OF_MEMORY", replace(asked, memory_mib=None)),))).memory_mib == 2048


@pytest.mark.usefixtures("nowhere")
def test_the_last_success_leaves_room_above_what_it_used() -> None:
    asked = Allocation(200 * MINUTE, 8000, 1)
    last, before = past("COMPLETED", asked, elapsed=4001, peak=2001), past("COMPLETED", asked, elapsed=9000, peak=7000)
    found = allocation_for(work(*COMPUTE, past=(last, before)))
    assert found == Allocation(6060, 3002, 1)
    small = past("COMPLETED", asked, elapsed=5, peak=100)
    assert allocation_for(work(*COMPUTE, past=(small,))) == Allocation(60 * MINUTE, 2048, 1)
    assert allocation_for(work(*COMPUTE, past=(past("COMPLETED", asked),))) == Allocation(60 * MINUTE, 2048, 1)


@pytest.mark.usefixtures("nowhere")
def test_jobs_that_made_other_assets_teach_nothing() -> None:
    other = past("OUT_OF_MEMORY", Allocation(600, 9000, 1), assets=frozenset({"scan_report"}))
    assert allocation_for(work(*COMPUTE, past=(other,))) == allocation_for(work(*COMPUTE))
    assert allocation_for(work("scan_report", past=(other,))).memory_mib == 18_000


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("cause", ["NODE_FAIL", "PREEMPTED", "CANCELLED", "FAILED", "a word of tomorrow"])
def test_other_deaths_raise_nothing(cause: str) -> None:
    assert allocation_for(work(*COMPUTE, past=(past(cause, Allocation(9000, 9000, 1)),))) == allocation_for(work(*COMPUTE))


def test_another_death_never_lowers_an_allocation_and_never_repeats_one_that_was_too_little(change: Callable[..., None]) -> None:
    rng = random.Random(6)
    for _ in range(50):
        change(**{**LARGE, "num_files": rng.randint(3, 5000)})
        jobs: tuple[PastJob, ...] = ()
        if rng.random() < 0.5:
            jobs = (past("COMPLETED", Allocation(600, 600, 1), elapsed=rng.randint(0, 90_000), peak=rng.randint(1, 90_000)),)
        before = allocation_for(work(*COMPUTE, past=jobs))
        for _ in range(6):
            cause = rng.choice(("OUT_OF_MEMORY", "TIMEOUT"))
            jobs = (past(cause, before), *jobs)
            after = allocation_for(work(*COMPUTE, past=jobs))
            assert after.memory_mib == before.memory_mib * (2 if cause == "OUT_OF_MEMORY" else 1)
            assert after.wall_seconds == before.wall_seconds * (2 if cause == "TIMEOUT" else 1)
            before = after


def test_the_module_that_the_launcher_loads_imports_neither_padocc_nor_dagster() -> None:
    heavy = {"padocc", "xarray", "numpy", "dagster"}
    script = f"import {allocations.__name__}, sys; print(*({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split() == []
