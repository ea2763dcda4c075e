"""Estimates that learn: what the runs of a group used foretells what the next ones will use."""

import random
import shutil
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running.estimate import Size, estimate, size_of
from padocc_dagster.pipeline.running.learning import FEWEST, Example, Learned, fit, learn, learned_from, pasts_of, read_learned, used_by
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.files import read_lines, write_lines
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.used import Meter, Used
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, make


def size(files: int, references_per_file: int = 30, bytes_per_file: float = 1e6, cloud_format: str = "kerchunk") -> Size:
    return Size(files, files * bytes_per_file, files * references_per_file, 0.05, cloud_format, False, "auto", True)


def used(seconds: float, mib: int = 300, cpu: float = 0.0) -> Used:
    return Used(seconds=seconds, cpu_seconds=cpu or seconds, peak_mib=mib)


def truth(one: Size, noise: float = 1.0) -> Used:
    """A site quite unlike the model's: a start of 2 s, quick files, slow references, and slow reading for Zarr."""
    read = one.bytes / 5e6 if one.cloud_format == "zarr" else 0.0
    return used(noise * (2 + 0.02 * one.files + 4e-4 * one.references + read), int(noise * (250 + one.references * 1200 / 2**20)))


def sizes(rng: random.Random, count: int, **fixed: str) -> list[Size]:
    return [size(round(10 ** rng.uniform(1, 3.5)), rng.randint(3, 300), 10 ** rng.uniform(4, 7), **fixed) for _ in range(count)]


def ended(made: Made, phase: str, verdict: Verdict = Verdict.OK, seconds: float = 3.0, mib: int = 200) -> PhaseEnded:
    return PhaseEnded(project=str(made.project), phase=phase, verdict=verdict, status="Success", used=used(seconds, mib))


@pytest.mark.parametrize("cloud_format", ["kerchunk", "zarr"])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_runs_that_were_held_back_are_foretold_better_than_by_the_model_alone(cloud_format: str, noise: float) -> None:
    rng = random.Random(12)
    known = [Example(estimate(each, "compute"), truth(each, 1 + noise * rng.uniform(-1, 1))) for each in sizes(rng, 40)]
    if cloud_format == "zarr":
        given = sizes(rng, 40, cloud_format="zarr")
        known = [Example(estimate(each, "compute"), truth(each, 1 + noise * rng.uniform(-1, 1))) for each in given]
    learned = learned_from({"compute": known})
    errors, errors_of_model = [], []
    for each in sizes(rng, 50, cloud_format=cloud_format):
        took, foretold = truth(each).seconds, estimate(each, "compute")
        errors.append(abs(learned.seconds["compute"].predict(foretold.seconds_parts) / took - 1))
        errors_of_model.append(abs(foretold.seconds / took - 1))
    assert sorted(errors)[25] < 0.02 + noise / 2 < sorted(errors_of_model)[25]
    assert learned.seconds["compute"].error < 0.05 + noise


def test_the_margin_covers_nearly_all_runs_that_were_held_back() -> None:
    rng = random.Random(13)
    known = [Example(estimate(each, "compute"), truth(each, rng.lognormvariate(0, 0.4))) for each in sizes(rng, 60)]
    learned = learned_from({"compute": known})
    enough = 0
    for each in sizes(rng, 200):
        parts, took = estimate(each, "compute"), truth(each, rng.lognormvariate(0, 0.4))
        time, memory = learned.seconds["compute"], learned.memory["compute"]
        enough += time.margin * time.predict(parts.seconds_parts) > took.seconds
        enough += memory.margin * memory.predict(parts.memory_parts) > took.peak_mib * 2**20
    assert enough > 0.94 * 400


def test_few_runs_of_like_projects_scale_the_model_and_foretell_no_nonsense_for_a_larger_one() -> None:
    known = [Example(estimate(size(10 + number % 2), "compute"), used(5.0)) for number in range(FEWEST)]
    learned = learned_from({"compute": known})
    small, large = (estimate(size(files), "compute") for files in (10, 1000))
    ratio = large.seconds / small.seconds
    foretold = learned.seconds["compute"].predict(large.seconds_parts) / learned.seconds["compute"].predict(small.seconds_parts)
    assert learned.seconds["compute"].predict(small.seconds_parts) == pytest.approx(5.0, rel=0.1)
    assert ratio / 2 < foretold < ratio * 2


def test_a_run_on_a_bad_day_changes_little() -> None:
    rng = random.Random(14)
    given = sizes(rng, 30)
    calm = learned_from({"compute": [Example(estimate(each, "compute"), truth(each)) for each in given]})
    bad = learned_from({"compute": [Example(estimate(each, "compute"), truth(each, 20 if each is given[3] else 1)) for each in given]})
    parts = estimate(size(500), "compute").seconds_parts
    assert bad.seconds["compute"].predict(parts) == pytest.approx(calm.seconds["compute"].predict(parts), rel=0.2)


def test_nothing_is_learned_from_too_few_runs_and_no_weight_is_ever_negative() -> None:
    rng = random.Random(15)
    assert learned_from({"scan": [Example(estimate(size(10), "scan"), used(1.0))] * (FEWEST - 1)}) == Learned()
    for _ in range(200):
        count = rng.randint(FEWEST, 12)
        parts = [tuple(rng.choice((0.0, 10 ** rng.uniform(-6, 6))) for _ in range(4)) for _ in range(count)]
        found = fit([each if sum(each) else (1.0, 0, 0, 0) for each in parts], [10 ** rng.uniform(-2, 6) for _ in range(count)])
        assert all(0 <= weight < float("inf") for weight in found.weights) and found.margin >= 1.5


def test_a_computation_counts_with_its_comparison_and_a_failure_teaches_nothing(tmp_path: Path) -> None:
    made = make(tmp_path, Series())
    record(made.workdir, made.project, ended(made, "scan"), ended(made, "compute", mib=300))
    record(made.workdir, made.project, Compared(passed=True, product="x", used=used(4.0, 500)))
    assert used_by(made.workdir, made.project)["compute"].used == Used(seconds=7.0, cpu_seconds=7.0, peak_mib=500)
    record(made.workdir, made.project, ended(made, "scan", Verdict.FAILED))
    assert set(used_by(made.workdir, made.project)) == {"compute"}


def test_what_was_learned_is_kept_and_a_damaged_record_is_as_good_as_none(tmp_path: Path) -> None:
    made = make(tmp_path, Series())
    group = made.project.group
    assert read_learned(made.workdir, group) == learn(made.workdir, group, pasts_of(made.workdir, group)) == Learned()
    record(made.workdir, made.project, ended(made, "scan"))
    for number in range(1, FEWEST):
        copied = Project(group, f"copy{number}")
        shutil.copytree(made.folder, made.workdir.project_dir(copied))
        write_lines(made.workdir.main_list(group), [*read_lines(made.workdir.main_list(group)), copied.code])
    learned = learn(made.workdir, group, pasts_of(made.workdir, group))
    assert learned.seconds["scan"].runs == FEWEST
    assert learned.seconds["scan"].predict(estimate(size_of(made.workdir, made.project), "scan").seconds_parts) == pytest.approx(3.0)
    assert read_learned(made.workdir, group) == learned
    for text in ("", "{", '{"seconds": {"scan": 3}}', "\0"):
        made.workdir.learned(group).write_text(text)
        assert read_learned(made.workdir, group) == Learned()


def test_a_worker_measures_its_own_time_and_memory() -> None:
    meter = Meter()
    held = bytearray(50 << 20)
    found = meter.used(requested={"memory_mib": 2048})
    assert found.seconds >= 0 and found.cpu_seconds >= 0 and found.peak_mib > len(held) >> 20
    assert found.requested and found.requested.memory_mib == 2048 and found.requested.wall_seconds is None
