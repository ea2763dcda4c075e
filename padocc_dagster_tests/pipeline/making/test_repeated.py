"""What is asked for twice: an interrupted run takes up what it had finished, and a product made again is not published again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running.due import HELD_BACK, NOT_DUE
from padocc_dagster.pipeline.running.finished import BY_PADOCC
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.rules import Rules, changed_rules, write_rules
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, make


def test_a_phase_that_the_same_run_had_finished_is_not_repeated(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    first = made.run("scan", run="a-run")
    rows = len(made.rows)
    again = made.run("scan", run="a-run", resumed=True)
    assert again == first
    assert len(made.rows) == rows


def test_another_run_repeats_the_phase(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    made.run("scan", run="a-run")
    rows = len(made.rows)
    made.run("scan", run="another-run", resumed=True)
    assert len(made.rows) == rows + 1


def test_a_phase_is_repeated_when_something_happened_since(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    made.run("scan", run="a-run")
    made.run("compute", run="b-run")
    assert made.run("scan", run="a-run", resumed=True).passed
    assert [phase for phase, _ in made.statuses].count("scan") == 2


def test_a_failed_phase_is_repeated(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    lost = made.sources[0].rename(made.root / "away.nc")
    assert made.run("scan", run="a-run").verdict is Verdict.FAILED
    lost.rename(made.sources[0].with_name("f_000.nc"))
    assert made.run("scan", run="a-run", resumed=True).passed


def test_the_same_product_made_again_on_another_day_is_published_already(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lat=12, lon=12))
    made.through("scan", "compute")
    made.verified()
    published = Path(made.through("validate", "publish").details["published"])
    before = published.read_bytes()
    references = json.loads(made.product.read_text())
    attributes = references["refs"][".zattrs"]
    attributes = json.loads(attributes) if isinstance(attributes, str) else attributes
    references["refs"][".zattrs"] = json.dumps({**attributes, "aggregation_date": "1999-12-31T23:59:59Z"})
    made.product.write_text(json.dumps(references))
    assert made.verified()["problems"] == []
    assert made.run("publish").message == "the same product was published before"
    assert published.read_bytes() == before


def test_a_cfa_aggregation_of_one_file_is_skipped_in_words(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lengths=(4,), lat=12, lon=12), cloud_format="CFA")
    made.through("scan")
    outcome = made.run("compute")
    assert outcome.verdict is Verdict.SKIPPED
    assert outcome.message == "PADOCC made no CFA product of 1 source file(s)"


def test_a_phase_that_another_run_did_meanwhile_is_told_as_it_ended_and_not_repeated_unattended(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    first = made.run("scan", run="a-backfill")
    made.run("compute", run="b")
    before = made.rows
    assert made.run("scan", run="queued", unattended=True) == first
    assert made.rows == before


def test_a_phase_that_plain_padocc_did_meanwhile_is_reported_as_done_and_leaves_no_row(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    append_row(made.workdir.status_log(made.project), "scan", "Success")
    before = made.rows
    outcome = made.run("scan", run="queued", unattended=True)
    assert (outcome.verdict, outcome.status, outcome.message) == (Verdict.OK, "Success", BY_PADOCC)
    assert made.rows == before


def test_a_phase_tried_in_vain_meanwhile_is_not_tried_again_unattended(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    append_row(made.workdir.status_log(made.project), "scan", "Failed-KeyError")
    outcome = made.run("scan", run="queued", unattended=True)
    assert outcome.error_class == NOT_DUE and "Failed-KeyError" in outcome.message
    assert made.run("scan", run="a person's").passed


def test_an_unattended_run_that_was_killed_still_ends_its_phase_when_repeated(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    append_row(made.workdir.status_log(made.project), "scan", "Failed-SIGKILL")
    assert made.run("scan", run="a-run", resumed=True, unattended=True).passed
    rows = len(made.rows)
    assert made.run("scan", run="another", resumed=True, unattended=True).passed
    assert len(made.rows) == rows


def test_what_is_due_is_done_unattended(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    assert made.run("scan", unattended=True).passed
    assert made.statuses[-1] == ("scan", "Success")


@pytest.mark.parametrize(("run", "after"), [("r1", ["init", "scan"]), ("r2", ["init", "scan", "scan"])])
def test_a_run_that_is_interrupted_after_its_worker_had_written_the_end_down_is_not_cancelled_as_well(
    at: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch, run: str, after: list[str]
) -> None:
    made = at("initialised")
    assert made.run("scan", run="r1").passed

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("padocc_dagster.pipeline.running.phases.call", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.run("scan", run=run)
    assert [row.phase for row in made.rows] == after


def test_a_warning_that_the_groups_rules_hold_back_is_not_published_by_the_run_that_validated_it(at: Callable[[str], Made]) -> None:
    made = at("validated")
    group = made.project.group
    append_row(made.workdir.status_log(made.project), "validate", "(K)Warn-bypassed")
    write_rules(made.workdir, group, changed_rules(Rules(), {"complete_on_warnings": "none"}), By("ann", "a test"))
    rows = len(made.rows)
    held = made.run("publish", run="the-chain", unattended=True)
    assert (held.error_class, len(made.rows)) == (HELD_BACK, rows) and "waits for a tick" in held.message
    write_rules(made.workdir, group, Rules(), By("ann", "a test"))
    assert made.run("publish", run="the-chain", unattended=True).passed


def test_nothing_starts_unattended_once_a_shpignore_lies_in_the_group(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    ignore = made.workdir.group_dir(made.project.group) / ".shpignore"
    ignore.touch()
    assert made.run("scan", run="the-chain", unattended=True).error_class == HELD_BACK
    assert made.run("scan", run="a person's").passed
