"""Groups selected from a real STAC API: what is asked for becomes projects, and what is wrong is told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import ConfigRejected, GroupConfig
from padocc_dagster.selection.stac import api
from padocc_dagster_tests.selection.stac import cci, cmip6, records
from padocc_dagster_tests.selection.stac.group_configs import codes, section, selected
from padocc_dagster_tests.selection.stac.proxy import faulty
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.server import StacServer

VAS, TAS, PR, UAS, HUS = (cmip6.Dataset(variable) for variable in ("vas", "tas", "pr", "uas", "hus"))
ARCTIC = cci.Dataset("sea-ice", "f17f146a31b14dfd960cde0874236ee5", (-180.0, 60.0, 180.0, 90.0))
OCEAN = cci.Dataset()
NONE = cci.Dataset("sea-ice", "00000000000000000000000000000000")
EQUATOR = {"type": "Polygon", "coordinates": [[[0, -1], [1, -1], [1, 1], [0, 1], [0, -1]]]}
ODD = "odd"
WITHOUT = (("item-search#filter", "none"), ("ogcapi-features-3/1.0/conf", "none"), ("/filter", "none"), ("item-search#query", "none"))

Select = Callable[..., GroupConfig]


@pytest.fixture(scope="module")
def loaded(stac: StacServer, archive: Archive) -> Iterator[StacServer]:
    """Three datasets of CMIP6 beside one that is retracted and one that is aggregated, two of the CCI, and an item without data."""
    stac.clear()
    items = [cmip6.written(archive, VAS, 3), cmip6.written(archive, TAS), cmip6.written(archive, PR)]
    items += [records.retracted(cmip6.written(archive, UAS)), records.aggregated(cmip6.written(archive, HUS))]
    items += cci.written(archive, ARCTIC, 5) + cci.written(archive, OCEAN, 2)
    items.append({**records.without_data(items[0]), "collection": ODD})
    collections = [cmip6.collection(), records.collection(ODD, "Odd items"), *cci.collections([ARCTIC, NONE, OCEAN])]
    stac.load(collections, items)
    yield stac
    stac.clear()


@pytest.fixture
def select(loaded: StacServer, archive: Archive, tmp_path: Path) -> Select:
    """What a section with these fields selects from the server, or from the one at `catalogue`."""
    return lambda catalogue=loaded.url, **fields: selected(tmp_path, section(catalogue, archive, **fields))


@pytest.fixture
def problems(select: Select) -> Callable[..., str]:
    """Why such a section is refused."""

    def refused(**fields: Any) -> str:
        with pytest.raises(ConfigRejected) as caught:
            select(**fields)
        return str(caught.value)

    return refused


SEARCHES: list[tuple[dict[str, Any], list[cmip6.Dataset]]] = [
    ({}, [PR, TAS, VAS]),
    ({"filter": "variable_id IN ('vas', 'pr') AND source_id = 'MRI-ESM2-0'"}, [PR, VAS]),
    ({"filter": {"op": "like", "args": [{"property": "variable_id"}, "%as"]}}, [TAS, VAS]),
    ({"query": {"variable_id": "tas", "source_id": {"eq": "MRI-ESM2-0"}}}, [TAS]),
    ({"query": {"variable_id": {"gte": "t"}, "member_id": {"neq": "r2i1p1f1"}}}, [TAS, VAS]),
    ({"ids": [VAS.name, PR.name]}, [PR, VAS]),
    ({"datetime": "2000-01-10/.."}, [VAS]),
    ({"bbox": [0, 0, 1, 1]}, [PR, TAS, VAS]),
]


@pytest.mark.parametrize(("search", "datasets"), SEARCHES)
def test_what_is_asked_for_becomes_projects(select: Select, search: dict[str, Any], datasets: list[cmip6.Dataset]) -> None:
    config = select(collections=[cmip6.COLLECTION], **search)
    assert codes(config) == [dataset.name for dataset in datasets]
    assert config.selection.whole


@pytest.mark.parametrize(("search", "datasets"), SEARCHES)
def test_an_api_without_filter_and_query_gives_the_same(
    loaded: StacServer, select: Select, monkeypatch: pytest.MonkeyPatch, search: dict[str, Any], datasets: list[cmip6.Dataset]
) -> None:
    monkeypatch.setattr(api, "PAGE", 2)
    loaded.count_matches(True)
    with faulty(loaded.url, replaced=WITHOUT) as proxy:
        config = select(proxy.url, collections=[cmip6.COLLECTION], **search)
    loaded.count_matches(False)
    assert codes(config) == [dataset.name for dataset in datasets]
    assert config.selection.whole
    if {"filter", "query"} & search.keys():
        assert proxy.requests["/search"] == 3  # for all five items: it was not asked for what it does not know
        assert config.selection.matched is None


def test_files_stand_in_the_order_of_their_assets(select: Select, archive: Archive) -> None:
    (spec,) = select(collections=["cmip6"], ids=[VAS.name], code="{source_id}.{variable_id}").projects
    assert spec.code == "MRI-ESM2-0.vas"
    assert spec.files == tuple(str(archive.root / VAS.folder / name) for name in VAS.files(3))


@pytest.mark.parametrize("place", [{"bbox": [0, -1, 1, 1]}, {"intersects": EQUATOR}])
def test_a_place_leaves_the_arctic_out(select: Select, place: dict[str, Any]) -> None:
    asked = {"collections": [ARCTIC.ecv, OCEAN.ecv], "projects": "collection"}
    assert codes(select(**asked)) == sorted([ARCTIC.collection, OCEAN.collection])
    assert codes(select(**asked, **place)) == [OCEAN.collection]


def test_a_climate_variable_stands_for_the_items_below_it_in_order_of_time(select: Select, archive: Archive) -> None:
    (spec,) = select(collections=[ARCTIC.ecv], projects="collection").projects
    assert spec.code == ARCTIC.collection and spec.records["items"] == 5
    assert spec.files == tuple(str(archive.root / ARCTIC.folder / name) for name in ARCTIC.files(5))
    assert list(spec.files) != sorted(spec.files)


def test_facets_tell_the_projects_of_a_collection_apart(select: Select) -> None:
    config = select(collections=[cmip6.COLLECTION], projects="collection", facets=["source_id", "variable_id"])
    assert codes(config) == [f"cmip6.MRI-ESM2-0.{variable}" for variable in ("pr", "tas", "vas")]
    (one,) = select(collections=[cmip6.COLLECTION], projects="collection", facets=["source_id"], assets={"names": "data0001"}).projects
    assert (one.code, len(one.files), one.records["items"]) == ("cmip6.MRI-ESM2-0", 3, 3)


@pytest.mark.parametrize("repeated", [False, True])
def test_every_item_of_every_page_is_there_once(
    loaded: StacServer, select: Select, monkeypatch: pytest.MonkeyPatch, repeated: bool
) -> None:
    monkeypatch.setattr(api, "PAGE", 2)
    with faulty(loaded.url, repeated=repeated) as proxy:
        config = select(proxy.url, collections=[ARCTIC.collection], projects="collection")
        assert proxy.requests["/search"] == 3
    assert [spec.records["items"] for spec in config.projects] == [5] and len(config.projects[0].files) == 5


def test_no_more_items_are_taken_than_wanted_and_that_is_told(loaded: StacServer, select: Select) -> None:
    loaded.count_matches(True)
    config = select(collections=[cmip6.COLLECTION], max_items=2)
    loaded.count_matches(False)
    assert len(config.projects) == 2 and not config.selection.whole
    assert config.manifest["summary"]["not all"].startswith("of 5 items that match")
    assert select(collections=[cmip6.COLLECTION], max_items=3).selection.whole


def test_what_is_aggregated_or_retracted_is_left_out_and_told(select: Select) -> None:
    config = select(collections=[cmip6.COLLECTION])
    assert config.selection.left_out == {("cmip6", HUS.name): "aggregated", ("cmip6", UAS.name): "retracted"}
    assert config.manifest["summary"]["left out, retracted"] == 1
    assert len(select(collections=[cmip6.COLLECTION], leave_out=[]).projects) == 5


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"collections": ["cmip5"]}, "has no collection 'cmip5': did you mean 'cmip6'?"),
    ({"collections": ["cmip6"], "filter": "variable = 'vas'"}, "has a property 'variable': did you mean 'variable_id'?"),
    ({"collections": ["cmip6"], "query": {"variable": "vas"}}, "has a property 'variable': did you mean 'variable_id'?"),
    ({"collections": ["cmip6"], "filter": "variable_id = 'ta'"}, "fits: widen the search"),
    ({"query": {"variable_id": {"startsWith": "v"}}}, "/search answers with status 400"),  # pgstac has not all of the extension
    ({"collections": [NONE.uuid]}, "fits: widen the search"),
    ({"ids": [UAS.name]}, "all 1 items that fit are retracted"),
    ({"collections": [ODD]}, "1 of the items are without source files"),
    ({"collections": ["cmip6"], "code": "{source_id}.{variable}"}, "3 of the items are without the property 'variable'"),
    ({"collections": ["cmip6"], "code": "{source_id}"}, "3 projects would be called 'MRI-ESM2-0'"),
    ({"ids": [PR.name], "paths": None}, "2 of 2 source files: an address that no rule brings to this machine"),
    ({"ids": [PR.name], "paths": {records.DAP: "/nowhere"}}, "2 of 2 source files: does not exist"),
]


@pytest.mark.parametrize(("fields", "told"), REFUSED)
def test_what_selects_nothing_good_is_told(problems: Callable[..., str], fields: dict[str, Any], told: str) -> None:
    assert told in problems(**fields)


def test_items_of_one_name_in_two_collections_are_two(select: Select, loaded: StacServer, archive: Archive) -> None:
    loaded.load([], [{**cmip6.written(archive, replace(PR, member="r2i1p1f1")), "id": PR.name, "collection": ODD}])
    try:
        assert codes(select(ids=[PR.name], code="{collection}.{variable_id}")) == ["cmip6.pr", "odd.pr"]
    finally:
        loaded.delete_item(ODD, PR.name)
