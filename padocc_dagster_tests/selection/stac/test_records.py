"""The records of the tests are valid, are of files that exist, and can be a static catalogue."""

from datetime import UTC, datetime
from pathlib import Path

import netCDF4
import pystac
import pytest
import stac_pydantic

from padocc_dagster_tests.selection.stac import cci, cmip6, records
from padocc_dagster_tests.selection.stac.records import DAP, Archive, Record
from padocc_dagster_tests.selection.stac.static_catalogue import write_static

ICE, OCEAN = cci.Dataset("sea-ice", "f17f146a31b14dfd960cde0874236ee5"), cci.Dataset()
COLLECTIONS = [cmip6.collection(), *cci.collections([ICE, OCEAN])]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def items(archive: Archive) -> list[Record]:
    return [cmip6.written(archive, files=3, checksum=True), *cci.written(archive, ICE), *cci.written(archive, OCEAN)]


def file(archive: Archive, asset: Record) -> Path:
    """The file of an asset."""
    return archive.root / asset["href"].removeprefix(f"{archive.base}/")


def test_collections_and_items_are_valid(items: list[Record]) -> None:
    marks = (records.retracted, records.aggregated, records.with_reference, records.without_data)
    marked = [mark(items[0]) for mark in marks] + [records.updated(items[0], datetime(2025, 1, 1, tzinfo=UTC))]
    for item in items + marked:
        stac_pydantic.Item.model_validate(item)
        pystac.Item.from_dict({**item, "stac_extensions": []}).validate()  # the schemas of extensions would be fetched
    for collection in COLLECTIONS:
        stac_pydantic.Collection.model_validate(collection)
        pystac.Collection.from_dict(collection).validate()


def test_a_dataset_of_cmip6_has_its_files_as_data_and_something_else(archive: Archive, items: list[Record]) -> None:
    assert items[0]["id"] == "CMIP6.ScenarioMIP.MRI.MRI-ESM2-0.ssp585.r1i1p1f1.day.vas.gn.v20191108"
    assets = items[0]["assets"]
    assert [name for name, asset in assets.items() if asset["roles"] == ["data"]] == ["data0001", "data0002", "data0003"]
    assert len(assets) == 4
    for name in ("data0001", "data0002", "data0003"):
        assert assets[name]["href"].startswith(f"{DAP}/badc/cmip6/data/CMIP6/ScenarioMIP/")
        assert assets[name]["file:size"] == file(archive, assets[name]).stat().st_size


def test_the_time_of_an_item_is_that_of_its_file(archive: Archive) -> None:
    for item in cci.written(archive, OCEAN, 5):
        with netCDF4.Dataset(file(archive, item["assets"]["data"])) as dataset:
            first = netCDF4.num2date(dataset["time"][0], dataset["time"].units)
        assert item["properties"]["start_datetime"] == first.strftime("%Y-%m-%dT00:00:00Z")


@pytest.mark.parametrize("count", [2, 3, 12])
def test_the_files_of_the_cci_are_not_in_order_of_their_names(archive: Archive, count: int) -> None:
    items = cci.written(archive, OCEAN, count)
    starts = [item["properties"]["start_datetime"] for item in items]
    assert starts == sorted(starts)
    names = [item["id"] for item in items]
    assert names != sorted(names) and (count == 2 or names != sorted(names, reverse=True))


def test_very_many_items_share_one_file(archive: Archive) -> None:
    items = list(cmip6.many(archive, 100, files=2))
    assert len({item["id"] for item in items}) == 100
    assert {file(archive, item["assets"]["data0002"]).stat().st_nlink for item in items} == {201}


def test_marks_leave_the_record_that_they_mark_as_it_was(items: list[Record]) -> None:
    item = items[0]
    assert records.retracted(item)["properties"]["retracted"] is True
    assert records.aggregated(item)["properties"]["aggregation"] is True
    assert records.with_reference(item)["assets"]["reference_file"]["roles"] == ["reference", "data"]
    assert list(records.without_data(item)["assets"]) == ["quicklook"]
    assert item["properties"]["retracted"] is False and len(item["assets"]) == 4


def test_a_static_catalogue_has_collections_in_each_other(tmp_path: Path, items: list[Record]) -> None:
    catalogue = pystac.Catalog.from_file(str(write_static(tmp_path / "static", COLLECTIONS, items)))
    assert [child.id for child in catalogue.get_children()] == ["cmip6", "sea-ice", "sea-surface-temperature"]
    (ice,) = [collection for collection in catalogue.get_all_collections() if collection.id == ICE.collection]
    assert ice.get_parent().id == ICE.uuid and ice.get_parent().get_parent().id == ICE.ecv
    assert len(list(ice.get_items())) == 3
    assert {item.id for item in catalogue.get_items(recursive=True)} == {item["id"] for item in items}


def test_a_static_catalogue_keeps_addresses_of_the_web(tmp_path: Path, items: list[Record]) -> None:
    catalogue = pystac.Catalog.from_file(str(write_static(tmp_path / "static", COLLECTIONS, items)))
    made = {item.id: item for item in catalogue.get_items(recursive=True)}
    assert made[items[0]["id"]].assets["data0001"].href == items[0]["assets"]["data0001"]["href"]


@pytest.mark.parametrize("relative", [False, True])
def test_a_static_catalogue_leads_to_files_by_paths(tmp_path: Path, relative: bool) -> None:
    archive = Archive(tmp_path / "archive", str(tmp_path / "archive"))
    written = write_static(tmp_path / "static", COLLECTIONS, cci.written(archive, ICE), relative)
    for item in pystac.Catalog.from_file(str(written)).get_items(recursive=True):
        asset = item.assets["data"]
        assert Path(asset.href).is_absolute() is not relative
        assert Path(asset.get_absolute_href()).is_file()
