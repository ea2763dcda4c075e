"""Which assets of an item are its source files."""

from typing import Any

import pytest

from padocc_dagster.selection.stac.section import AssetChoice
from padocc_dagster_tests.selection.stac.selecting import item, kept, section

NETCDF = {"href": "/d/a.nc", "type": "application/x-netcdf", "roles": ["data"]}


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({}, True),
        ({"roles": None}, True),
        ({"roles": []}, True),
        ({"roles": "data"}, True),
        ({"roles": ["data", "reference"]}, False),
        ({"roles": ["reference"]}, False),
        ({"roles": ["thumbnail"]}, False),
        ({"roles": ["metadata"]}, False),
        ({"roles": "metadata"}, False),
        ({"roles": ["something"]}, True),
        ({"roles": 5}, True),
        ({"roles": [["data"], {"a": 1}, None]}, True),
        ({"type": "application/netcdf"}, True),
        ({"type": "Application/NetCDF; version=4"}, True),
        ({"type": "application/x-hdf5"}, True),
        ({"type": "application/json", "roles": ["reference", "data"]}, False),
        ({"type": None}, True),
        ({"type": None, "href": "https://h/a.nc4?x=1"}, True),
        ({"type": None, "href": "/d/a.png"}, False),
        ({"type": None, "href": None}, False),
        ({"type": ["application/netcdf"]}, False),
        ({"type": 5}, False),
    ],
)
def test_without_a_choice_data_of_netcdf_and_hdf_are_taken(changed: dict[str, Any], taken: bool) -> None:
    assert AssetChoice().takes("any", {**NETCDF, **changed}) is taken


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        ({"roles": ["data"]}, True),
        ({"roles": ["a", "b"]}, False),
        ({"types": ["application/*netcdf"]}, True),
        ({"types": ["image/*"]}, False),
        ({"names": "data*"}, True),
        ({"names": ["Data*"]}, False),
        ({"names": ["data0"], "roles": ["data"], "types": ["application/*"]}, True),
        ({"names": ["data0"], "roles": ["other"]}, False),
        ({"names": ["[", "data0"]}, True),
    ],
)
def test_a_choice_holds_in_all_its_parts(choice: dict[str, Any], taken: bool) -> None:
    assert section(assets=choice).assets.takes("data0", NETCDF) is taken


def test_a_choice_takes_what_is_otherwise_no_source() -> None:
    assert section(assets={"names": "x"}).assets.takes("x", {"href": "/d/a", "type": "image/png", "roles": ["thumbnail"]})


def test_source_files_stand_in_the_order_of_the_assets() -> None:
    (record,) = kept([item(files=["/d/b.nc", "/d/a.nc"])], section())
    assert [source.href for source in record.sources] == ["/d/b.nc", "/d/a.nc"]


def test_assets_that_are_none_are_no_source_files() -> None:
    made = {**item(), "assets": {"a": None, "b": [1], "c": "/d/a.nc", "data": NETCDF}}
    (record,) = kept([made], section())
    assert len(record.sources) == 1


def test_checksums_and_sizes_are_kept_where_they_are_some() -> None:
    made = item()
    made["assets"]["data0"] |= {"file:checksum": "1220ab", "file:size": 5}
    (record,) = kept([made], section())
    assert record.checksums == {"/d/a.nc": "1220ab"} and record.sources[0].size == 5
    for size in ("5", True, None, 5.5, [5]):
        made["assets"]["data0"]["file:size"] = size
        assert kept([made], section())[0].sources[0].size is None


def test_an_empty_choice_is_none() -> None:
    assert section(assets={}).assets == AssetChoice() == section(assets={"names": []}).assets
