"""Items that are passed over, as they are aggregated already or retracted."""

from typing import Any

import pytest

from padocc_dagster.selection.stac.record import reason_to_leave_out
from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.selecting import item

BOTH = ("aggregated", "retracted")
REFERENCE = {"href": "./a.json"}


@pytest.mark.parametrize(
    ("properties", "assets", "reason"),
    [
        ({}, {}, None),
        ({"aggregation": True}, {}, "aggregated"),
        ({"aggregation": "True"}, {}, "aggregated"),
        ({"aggregation": [True]}, {}, "aggregated"),
        ({"aggregation": ["true"]}, {}, "aggregated"),
        ({"aggregation": False}, {}, None),
        ({"aggregation": "no"}, {}, None),
        ({"aggregation": 1}, {}, None),
        ({"aggregation": [True, False]}, {}, None),
        ({"aggregation_status": "OK"}, {}, None),
        ({"aggregation_status": "OK"}, {"reference_file": REFERENCE}, "aggregated"),
        ({"aggregation_status": "OK"}, {"zarr": REFERENCE}, "aggregated"),
        ({"aggregation_status": ["ok"]}, {"zarr": REFERENCE}, "aggregated"),
        ({"aggregation_status": "failed"}, {"zarr": REFERENCE}, None),
        ({}, {"reference_file": REFERENCE}, None),
        ({}, {"reference_file": {**REFERENCE, "aggregation_status": "OK"}}, "aggregated"),
        ({"aggregation_status": "OK"}, {"reference_file": None}, None),
        ({"aggregation_status": {"a": 1}}, {"zarr": REFERENCE}, None),
        ({"retracted": True}, {}, "retracted"),
        ({"retracted": [True]}, {}, "retracted"),
        ({"retracted": "true"}, {}, "retracted"),
        ({"retracted": False}, {}, None),
        ({"retracted": None}, {}, None),
        ({"retracted": {"why": "wrong"}}, {}, None),
        ({"retracted": True, "aggregation": True}, {}, "aggregated"),
    ],
)
def test_the_reason_is_read_from_properties_and_assets(properties: dict[str, Any], assets: dict[str, Any], reason: str | None) -> None:
    made = item(**properties)
    made["assets"] |= assets
    assert reason_to_leave_out(made, BOTH) == reason
    assert reason_to_leave_out(made, ()) is None


def test_only_the_reasons_that_are_asked_for_count() -> None:
    both = records.retracted(records.aggregated(item()))
    assert reason_to_leave_out(both, ("retracted",)) == "retracted"
    assert reason_to_leave_out(records.aggregated(item()), ("retracted",)) is None


def test_an_item_as_padocc_leaves_it_is_aggregated() -> None:
    assert reason_to_leave_out(records.with_reference(item()), BOTH) == "aggregated"


@pytest.mark.parametrize("member", ["properties", "assets"])
@pytest.mark.parametrize("value", [None, [], [1], "x", 5])
def test_an_item_of_another_shape_is_not_passed_over(member: str, value: Any) -> None:
    assert reason_to_leave_out({**item(), member: value}, BOTH) is None
