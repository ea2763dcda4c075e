"""A phase starts only when what it builds on stands; a closed gate is told in a sentence and leaves no row."""

import os
from collections.abc import Callable

import pytest

from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.product import fingerprint
from padocc_dagster_tests.pipeline.projects import Made

At = Callable[[str], Made]


def assert_closed(made: Made, operation: str, *words: str) -> None:
    before = made.rows
    outcome = made.run(operation)
    assert (outcome.verdict, outcome.error_class, outcome.status) == (Verdict.FAILED, "GateClosedError", "")
    for word in words:
        assert word in outcome.message
    assert made.rows == before
    assert made.published() == []


@pytest.mark.parametrize(
    ("stage", "operation", "needed"),
    [
        ("initialised", "compute", "scan"),
        ("scanned", "validate", "compute"),
        ("computed", "publish", "validate"),
        ("initialised", "publish", "validate"),
    ],
)
def test_a_phase_does_not_start_before_the_one_it_builds_on(at: At, stage: str, operation: str, needed: str) -> None:
    assert_closed(at(stage), operation, needed)


def test_a_product_that_was_not_compared_is_not_published(at: At) -> None:
    made = at("validated")
    made.workdir.comparison(made.project).unlink()
    assert_closed(made, "publish", "has not been compared")


@pytest.mark.parametrize("value", [{"passed": True}, {"problems": None}, {"problems": [], "information": [], "variables": []}])
def test_a_comparison_of_another_form_counts_as_none(at: At, value: dict[str, object]) -> None:
    made = at("validated")
    write_json(made.workdir.comparison(made.project), value)
    assert_closed(made, "publish", "has not been compared", "run the check product_matches_source")


@pytest.mark.parametrize(
    "asked",
    [
        {"updates": {"title": "another"}},
        {"removals": ["institution"]},
        {"variables": ["tas"]},
        {"chosen": {"compare": "all"}},
    ],
    ids=str,
)
def test_a_product_compared_for_another_config_is_not_published(at: At, asked: dict[str, object]) -> None:
    made = at("validated")
    path = made.workdir.spec(made.project)
    before = read_json(path)
    write_json(path, {**before, **asked})
    assert_closed(made, "publish", "was compared for another config", "or compute again")
    write_json(path, before)
    made.through("publish")


def test_a_product_that_changed_by_a_byte_is_not_published(at: At) -> None:
    made = at("validated")
    text = made.product.read_text()
    made.product.write_text(text[:-1] + " " + text[-1])
    assert_closed(made, "publish", str(made.product), "changed since")


def test_a_product_of_which_a_source_changed_is_not_published(at: At) -> None:
    made = at("validated")
    source = made.sources[1]
    with open(source, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\0" if file.read(1) != b"\0" else b"\1")
    assert_closed(made, "publish", "source files of grp:proj changed")


def test_a_source_that_is_gone_fails_the_publication_by_name(at: At) -> None:
    made = at("validated")
    gone = made.sources[1]
    gone.unlink()
    outcome = made.run("publish")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "SourceNotFoundError")
    assert str(gone) in outcome.message
    assert made.published() == []


def test_a_product_that_differs_closes_the_gate_for_padocc_too_and_a_good_comparison_opens_it(at: At) -> None:
    made = at("computed")
    good = made.product.read_text()
    made.product.write_text(good.replace('"tas/1.0.0"', '"tas/9.0.0"'))
    assert made.verified()["problems"]
    assert made.statuses[-1] == ("compute", "Failed-ProductDiffersFromSource")
    assert_closed(made, "validate", "compute ended with Failed-ProductDiffersFromSource")
    made.product.write_text(good)
    assert made.verified()["problems"] == []
    assert made.statuses[-1] == ("compute", "Success")
    made.through("validate", "publish")
    assert made.published() == ["proj_k1.0"]


def test_each_comparison_is_an_event_and_one_that_fails_ends_the_computation(at: At) -> None:
    made = at("computed")
    good = made.product.read_text()
    for text in (good.replace('"tas/1.0.0"', '"tas/9.0.0"'), good.replace('"tas/1.0.0"', '"tas/8.0.0"'), good):
        made.product.write_text(text)
        made.verified()
    rows, events = len(made.rows), events_of(made.workdir, made.project)
    compared = [(event.row, event.passed) for event in events if isinstance(event, Compared)][-3:]
    assert compared == [(rows - 1, False), (rows - 1, False), (rows, True)]
    ends = [event for event in events if isinstance(event, PhaseEnded)][-2:]
    assert {(end.row, end.phase, end.error_class) for end in ends} == {(rows - 1, "compute", "ProductDiffersFromSource")}
    products = [event.product for event in events if isinstance(event, Compared)]
    assert len(set(products[-3:])) == 3 and products[-1] == fingerprint(made.product)


def test_a_project_computed_anew_has_to_be_compared_and_validated_anew(at: At) -> None:
    made = at("validated")
    made.through("compute")
    assert_closed(made, "publish", "compute ended with Success after the last validate")
    made.through("validate")
    assert_closed(made, "publish", "has not been compared")
