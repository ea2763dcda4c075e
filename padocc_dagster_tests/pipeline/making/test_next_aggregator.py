"""The rule `next_aggregator`: what it comes to when a product differs from its sources, read from the records of real computations."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.steps.unattended import follow_rules
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import PhaseRequested
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.rules import Rules
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.pipeline.workdir.tried import aggregators_tried
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.cases import project_of
from padocc_dagster_tests.pipeline.projects import Made, make

RULES = Rules(next_aggregator=True, formats=("zarr",))


def differs(made: Made) -> None:
    """Damage the product so that the comparison refuses it."""
    value = read_json(made.product)
    one, other = (next(key for key in value["refs"] if key.startswith(f"tas/{number}.")) for number in (0, 1))
    value["refs"][one], value["refs"][other] = value["refs"][other], value["refs"][one]
    write_json(made.product, value)
    assert not made.verified()["passed"]


def chosen(made: Made) -> dict[str, str]:
    """What the rules request; the request is answered by the test."""
    if not follow_rules(made.workdir, made.project, RULES).done:
        return {}
    request = events_of(made.workdir, made.project)[-1]
    assert isinstance(request, PhaseRequested) and request.who == "rules of grp"
    return dict(request.choices)


def test_k_is_tried_when_what_v_made_differs_and_then_the_format(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lengths=(4, 4, 4), lat=12, lon=12))
    made.through("scan", "compute")
    differs(made)
    assert aggregators_tried(made.workdir, made.project) == ("V",)
    assert chosen(made) == {"aggregator": "K"}
    made.run("compute", aggregator="K")
    differs(made)
    assert aggregators_tried(made.workdir, made.project) == ("K",)
    assert chosen(made) == {"cloud_format": "zarr"}
    made.run("compute", cloud_format="zarr")
    assert made.verified()["passed"] and chosen(made) == {}


def test_what_only_a_format_helps_goes_to_zarr_at_once(tmp_path: Path) -> None:
    made = project_of(tmp_path, "a1_one_without_shuffle")
    assert made.run("scan").error_class == "DifferingEncodingError"
    assert chosen(made) == {"cloud_format": "zarr"}
    made.run("scan", cloud_format="zarr")
    made.through("compute")
    assert made.verified()["passed"] and chosen(made) == {}


@pytest.mark.parametrize("case", ["e7_packing_differs"])
def test_what_neither_helps_is_left_alone(tmp_path: Path, case: str) -> None:
    made = project_of(tmp_path, case)
    assert not made.run("scan").passed
    assert chosen(made) == {}


def test_a_project_initialised_anew_begins_anew(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lengths=(4, 4, 4), lat=12, lon=12))
    made.through("scan", "compute")
    differs(made)
    assert chosen(made) == {"aggregator": "K"}
    for phase in ("init", "scan"):
        append_row(made.workdir.status_log(made.project), phase, "Success")
    append_row(made.workdir.status_log(made.project), "compute", "(V)Failed-ValueError")
    assert chosen(made) == {"aggregator": "K"}
