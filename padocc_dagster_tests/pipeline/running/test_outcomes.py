"""Every way in which a phase can end, through the outside: a verdict, the real error class, a log, one row."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.remedies import remedy_for
from padocc_dagster.pipeline.workdir.event_log import ends_of
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster_tests.make_netcdf import Series, cut_short, make_empty, write
from padocc_dagster_tests.pipeline.projects import Made, make

At = Callable[[str], Made]


def assert_ended_once(made: Made, outcome: Outcome, before: int) -> None:
    assert len(made.rows) == before + 1
    assert (made.rows[-1].phase, made.rows[-1].status) == (outcome.phase, outcome.status)
    assert next(ends_of(made.workdir, made.project))


@pytest.mark.parametrize(
    ("stage", "operation", "phase"),
    [
        ("initialised", "scan", "scan"),
        ("scanned", "compute", "compute"),
        ("computed", "validate", "validate"),
        ("validated", "publish", "complete"),
    ],
)
def test_a_phase_that_passes_says_ok_with_one_row_and_a_log(at: At, stage: str, operation: str, phase: str) -> None:
    made = at(stage)
    before = len(made.rows)
    outcome = made.run(operation)
    assert (outcome.phase, outcome.verdict, outcome.error_class) == (phase, Verdict.OK, None)
    assert outcome.passed
    assert_ended_once(made, outcome, before)
    if operation != "publish":  # nothing of PADOCC runs there
        assert outcome.log_tail
        assert Path(outcome.log_path).read_text().splitlines()[-1] == outcome.log_tail[-1]
    else:
        assert outcome.log_path is None


def damaged(path: Path) -> None:
    cut_short(path, 0.3)


def junk(path: Path) -> None:
    path.write_bytes(b"this is not NetCDF at all\n" * 50)


@pytest.mark.parametrize("damage", [damaged, junk, make_empty], ids=["damaged", "junk", "empty"])
def test_a_scan_names_every_file_that_cannot_be_read(at: At, damage: Callable[[Path], None]) -> None:
    made = at("initialised")
    for number in (0, 2):
        damage(made.sources[number])
    outcome = made.run("scan")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "UnreadableSourceError")
    assert outcome.status == "Failed-UnreadableSourceError"
    assert "2 of 3" in outcome.message
    assert made.sources[0].name in outcome.message
    assert made.sources[2].name in outcome.message
    assert "UnreadableSourceError" in "\n".join(outcome.log_tail)
    assert Path(outcome.log_path).exists()
    assert_ended_once(made, outcome, 1)


@pytest.mark.parametrize(("stage", "operation"), [("initialised", "scan"), ("scanned", "compute")])
def test_a_source_file_that_is_gone_is_named(at: At, stage: str, operation: str) -> None:
    made = at(stage)
    gone = made.sources[1]
    before = len(made.rows)
    gone.unlink()
    outcome = made.run(operation)
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "SourceNotFoundError")
    assert str(gone) in outcome.message
    assert_ended_once(made, outcome, before)


@pytest.mark.parametrize("chunks", [(2, 4), (4, 1)])
def test_mixed_chunk_shapes_are_refused_by_file_before_anything_is_made_and_zarr_works(tmp_path: Path, chunks: tuple[int, int]) -> None:
    made = make(tmp_path, Series(lengths=(4, 4), chunk=chunks[0], lat=12, lon=12))
    other = write(tmp_path / "other", Series(lengths=(4, 4), chunk=chunks[1], lat=12, lon=12))
    made.sources[1].write_bytes(Path(other[1]).read_bytes())
    outcome = made.run("scan")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "DifferingEncodingError")
    assert outcome.status.endswith("Failed-DifferingEncodingError")
    assert (outcome.details["variable"], outcome.details["files"]) == ("tas", [str(made.sources[1])])
    assert "zarr" in remedy_for(outcome.error_class).advice
    assert not made.product.exists()
    made.run("scan", cloud_format="zarr")
    made.through("compute")
    assert made.verified()["problems"] == []


def test_a_product_with_wrong_sizes_fails_validation(at: At) -> None:
    made = at("computed")
    text = made.product.read_text()
    for shape in ("[12,12,12]", "[12]"):
        text = text.replace(f'\\"shape\\":{shape}', f'\\"shape\\":{shape.replace("12", "10", 1)}')
    made.product.write_text(text)
    outcome = made.run("validate")
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error_class == "ValueError"
    assert outcome.status.endswith("Failed-ValueError")
    assert_ended_once(made, outcome, 3)


def test_a_product_that_is_gone_fails_validation_with_a_sentence(at: At) -> None:
    made = at("computed")
    made.product.unlink()
    outcome = made.run("validate")
    assert (outcome.error_class, outcome.status) == ("ProductMissingError", "Failed-ProductMissingError")
    assert str(made.product) in outcome.message


def test_an_attribute_that_differs_warns_and_passes(at: At) -> None:
    made = at("computed")
    made.product.write_text(made.product.read_text().replace("a small series", "another title"))
    outcome = made.run("validate")
    assert outcome.verdict is Verdict.WARNED
    assert outcome.passed
    assert "title" in str(outcome.details["findings"])


@pytest.mark.parametrize("operation", ["scan", "compute", "validate", "publish"])
def test_a_faultlisted_project_is_skipped_and_its_log_untouched(at: At, operation: str) -> None:
    made = at("validated")
    made.workdir.faultlist("grp").write_text("proj,hopeless, really\n")
    before = made.rows
    outcome = made.run(operation)
    assert outcome.verdict is Verdict.SKIPPED
    assert "hopeless" in outcome.message
    assert made.rows == before
