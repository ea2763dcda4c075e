"""Accepting by eye: only PADOCC's verdict, only of a product that equals its sources, and until it is published."""

import json
from collections.abc import Callable

import pytest

from padocc_dagster.pipeline.publishing.tick import tick, tick_of, untick
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.status import append_row, gate_problem
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster_tests.pipeline.projects import Made

BY = By("ada", "the warning is about history, only")
FATAL = "(K)Fatal-data_errors"


@pytest.fixture
def fatal(at: Callable[[str], Made]) -> Made:
    """A project whose product equals its sources, and of which PADOCC's validation says otherwise."""
    made = at("validated")
    append_row(made.workdir.status_log(made.project), "validate", FATAL)
    return made


def ticked(made: Made) -> str:
    result = tick(made.workdir, [made.project], BY)
    return result.done.get(made.project) or result.not_done[made.project]


def test_a_fatal_validation_holds_publication_and_a_tick_releases_it_into_the_report(fatal: Made) -> None:
    assert not fatal.run("publish").passed
    assert ticked(fatal) == f"ticked: {FATAL} is accepted"
    assert fatal.run("publish").passed
    (report,) = fatal.workdir.completed.rglob("*_report.json")
    tick_told = read_json(report)["tick"]
    assert (tick_told["who"], tick_told["why"], tick_told["accepted"]) == (*BY, FATAL)


def test_padoccs_status_log_says_who_and_why(fatal: Made) -> None:
    ticked(fatal)
    assert fatal.statuses[-1] == ("validate", "Warn-ticked by ada: the warning is about history. only")


def test_taken_back_the_validations_own_verdict_holds_again(fatal: Made) -> None:
    ticked(fatal)
    assert untick(fatal.workdir, [fatal.project], BY).done
    assert fatal.statuses[-1] == ("validate", FATAL) and tick_of(fatal.workdir, fatal.project) is None
    assert not fatal.run("publish").passed


def test_a_product_that_differs_from_its_sources_is_never_ticked(fatal: Made) -> None:
    fatal.product.write_bytes(fatal.product.read_bytes() + b" ")
    assert "never a product that is not shown to equal its sources" in ticked(fatal)
    assert fatal.statuses[-1] == ("validate", FATAL)


def test_a_new_validation_or_computation_makes_the_tick_void(fatal: Made) -> None:
    ticked(fatal)
    append_row(fatal.workdir.status_log(fatal.project), "validate", FATAL)
    assert tick_of(fatal.workdir, fatal.project) is None
    assert gate_problem(fatal.rows, "validate")


@pytest.mark.parametrize(("stage", "told"), [("scanned", "compute has not been run"), ("computed", "not validated since")])
def test_what_was_not_validated_cannot_be_ticked(at: Callable[[str], Made], stage: str, told: str) -> None:
    assert told in ticked(at(stage))


def test_a_tick_is_set_once_and_not_taken_back_once_published(fatal: Made) -> None:
    ticked(fatal)
    assert "ticked already" in ticked(fatal)
    fatal.through("publish")
    assert "published already" in ticked(fatal) or "ticked already" in ticked(fatal)
    assert "published with its tick" in untick(fatal.workdir, [fatal.project], BY).not_done[fatal.project]


def test_a_dry_run_writes_nothing(fatal: Made) -> None:
    before = fatal.statuses
    assert tick(fatal.workdir, [fatal.project], BY, dry_run=True).done
    assert fatal.statuses == before and not history_of(fatal.workdir, fatal.project)


def rewritten(made: Made) -> None:
    """Another product, equal to its sources too, and compared."""
    product = read_json(made.product)
    attributes = product["refs"][".zattrs"]
    attributes = json.loads(attributes) if isinstance(attributes, str) else attributes
    product["refs"][".zattrs"] = json.dumps({**attributes, "aggregation_date": "another day"})
    write_json(made.product, product)
    assert made.verified()["passed"]


def test_a_tick_holds_for_the_product_it_was_made_for_only(fatal: Made) -> None:
    ticked(fatal)
    rewritten(fatal)
    assert tick_of(fatal.workdir, fatal.project) is None
    refused = fatal.run("publish")
    assert not refused.passed and "ticked for another product: validate again, or tick it anew" in refused.message
    assert not fatal.published()


def test_a_void_tick_can_be_renewed_and_still_says_what_was_accepted(fatal: Made) -> None:
    ticked(fatal)
    rewritten(fatal)
    assert ticked(fatal) == f"ticked: {FATAL} is accepted"
    assert "ticked already" in ticked(fatal)
    assert fatal.run("publish").passed
    (report,) = fatal.workdir.completed.rglob("*_report.json")
    told = read_json(report)
    assert told["tick"]["accepted"] == FATAL
    assert told["tick"]["product"] == told["comparison"]["product_fingerprint"]


def test_a_void_tick_can_be_taken_back(fatal: Made) -> None:
    ticked(fatal)
    rewritten(fatal)
    assert untick(fatal.workdir, [fatal.project], BY).done
    assert fatal.statuses[-1] == ("validate", FATAL)


def test_a_ticked_row_whose_record_is_lost_is_not_published(fatal: Made) -> None:
    ticked(fatal)
    fatal.workdir.events(fatal.project).unlink()
    assert "tick it anew" in fatal.run("publish").message
    assert ticked(fatal) == f"ticked: {FATAL} is accepted"


def test_a_name_of_several_lines_is_one_line_in_the_status_log(fatal: Made) -> None:
    tick(fatal.workdir, [fatal.project], By("ada\u2028 lovelace", "seen\x85 twice"))
    assert fatal.statuses[-1] == ("validate", "Warn-ticked by ada lovelace: seen twice")
