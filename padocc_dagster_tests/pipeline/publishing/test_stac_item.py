"""The STAC item that is published with a product: valid, with the product and its report, and with what its catalogue said of it."""

import copy
import json
from pathlib import Path
from typing import Any

import pystac
import pytest

from padocc_dagster.pipeline.publishing.stac_item import ASSETS, item_to_publish, updated_item
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.selection.stac.published import item_of, pack
from padocc_dagster.selection.stac.record import InvalidItem
from padocc_dagster_tests.selection.stac.selecting import item, section, selection

BASE = "https://h/collections/c/items/a"
PRODUCTS = {
    "kerchunk": Product(Path("/w/k1.0a.json"), "kerchunk", "1.0"),
    "parquet": Product(Path("/w/k1.0a.parquet"), "parquet", "1.0"),
    "zarr": Product(Path("/w/zr1.0a.zarr"), "zarr", "1.0"),
    "CFA": Product(Path("/w/a1b.nca"), "CFA", "1.0"),
}


def source(name: str = "a", **changed: Any) -> dict[str, Any]:
    made = item(name, title="A title", keep={"a": [1]})
    own = {"rel": "self", "href": f"https://h/items/{name}", "type": "application/geo+json"}
    return {**made, "stac_extensions": [], "links": [*made["links"], own], **changed}


def given(*items: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """The item that is kept for a project of these."""
    (chosen,) = selection(items, section(publish_items=True, **asked)).projects
    return json.loads(item_of(chosen))


def published(made: dict[str, Any], cloud_format: str = "kerchunk") -> dict[str, Any]:
    product = PRODUCTS[cloud_format]
    return updated_item(made, product, f"a1b_{product.revision}")


def assert_valid(made: dict[str, Any]) -> None:
    """By pystac's validator; schemas of extensions would be fetched."""
    pystac.Item.from_dict({**json.loads(json.dumps(made)), "stac_extensions": []}).validate()


@pytest.mark.parametrize("cloud_format", PRODUCTS)
def test_the_item_is_valid_and_leads_to_the_product_and_its_report(cloud_format: str) -> None:
    made = published(given(source()), cloud_format)
    assert_valid(made)
    product = PRODUCTS[cloud_format]
    asset = made["assets"][ASSETS[cloud_format][0]]
    assert asset["href"] == f"./a1b_{product.revision}{product.suffix}"
    assert made["assets"]["padocc_report"]["href"] == f"./a1b_{product.revision}_report.json"
    assert asset["xarray:open_kwargs"]["engine"] in ("kerchunk", "zarr", "CFA") and asset["aggregation_status"] == "OK"
    assert made["properties"]["aggregation_status"] == "OK"
    assert "https://stac-extensions.github.io/xarray-assets/v1.0.0/schema.json" in made["stac_extensions"]


def test_what_the_catalogue_said_stays() -> None:
    before = given(source(properties={**source()["properties"], "updated": "2020-01-01T00:00:00Z"}))
    untouched = copy.deepcopy(before)
    made = published(before)
    assert before == untouched, "the item that is given is changed"
    assert made["id"] == "a" and made["properties"]["title"] == "A title" and made["properties"]["keep"] == {"a": [1]}
    assert made["assets"]["data0"] == before["assets"]["data0"] and made["assets"]["data0"]["href"] == "/d/a.nc"
    assert made["properties"]["updated"] > "2020-01-01T00:00:00Z"


def test_links_and_addresses_are_absolute_and_none_is_its_own() -> None:
    own = source(links=[{"rel": "self", "href": "./a.json"}, {"rel": "collection", "href": "../collection.json"}])
    own["assets"]["relative"] = {"href": "./x.nc"}
    packed = given(own)
    made = published(packed)
    assert made["links"] == [{"rel": "collection", "href": "/collection.json"}]
    assert made["assets"]["relative"]["href"] == "/catalogue/x.nc"


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_items_of_either_version_are_taken(version: str) -> None:
    assert_valid(published(given(source(stac_version=version))))


def test_assets_of_an_earlier_publication_are_replaced() -> None:
    old = source()
    old["assets"] |= {"reference_file": {"href": "./old.json"}, "padocc_report": {"href": "./old_report.json"}}
    made = published(given(old, leave_out=[]))
    assert [made["assets"][name]["href"] for name in ("reference_file", "padocc_report")] == ["./a1b_k1.0.json", "./a1b_k1.0_report.json"]


@pytest.mark.parametrize(
    "changed",
    [
        {"geometry": "x"},
        {"bbox": [1, 2]},
        {"properties": None},
        {"properties": {"datetime": None}},
        {"properties": {"datetime": "once"}},
        {"assets": None},
        {"assets": {"a": {}}},
        {"assets": {"a": {"href": 5}}},
        {"links": None},
        {"links": [{"rel": "self"}]},
        {"links": [{"rel": "related", "href": "http://[::1"}]},
        {"stac_version": 5},
        {"properties": {"datetime": "2000-01-01T00:00:00Z", "x": float("nan")}},
        {"id": ""},
    ],
    ids=str,
)
def test_an_invalid_item_is_refused_before_anything_is_made(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidItem) as caught:
        pack({**source(), **changed}, BASE)
    assert "cannot be published again (" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_an_item_that_became_invalid_is_not_published() -> None:
    made = given(source())
    del made["geometry"]
    with pytest.raises(ValueError, match="is not valid STAC"):
        published(made)


MANY = [
    source("b", bbox=[-10.0, -5.0, 10.0, 5.0], properties={**item(first=9)["properties"], "title": "T", "n": 1}),
    source("a", bbox=[0.0, -50.0, -1.0, 20.0, 50.0, 1.0], properties={**item(first=0)["properties"], "title": "T", "n": 2}),
    source("c", bbox=[5.0, 0.0, 6.0, 1.0], properties={"datetime": "2001-01-01T00:00:00Z", "title": "T"}),
]
COLLECTION = {"projects": "collection"}


def test_many_items_become_one_that_stands_for_them() -> None:
    made = given(*MANY, **COLLECTION)
    assert (made["id"], made["collection"]) == ("c", "c")
    assert made["bbox"] == [-10.0, -50.0, 20.0, 50.0]
    assert made["properties"] == {
        "title": "T", "datetime": None, "aggregation": True,
        "start_datetime": "2000-01-01T00:00:00Z", "end_datetime": "2001-01-01T00:00:00Z",
    }  # fmt: skip
    derived = [link["href"] for link in made["links"] if link["rel"] == "derived_from"]
    assert derived == ["https://h/items/a", "https://h/items/b", "https://h/items/c"]
    assert made["assets"] == {} and made["geometry"]["coordinates"][0][0] == [-10.0, -50.0]


@pytest.mark.parametrize("cloud_format", PRODUCTS)
def test_an_item_of_many_is_valid(cloud_format: str) -> None:
    assert_valid(published(given(*MANY, **COLLECTION), cloud_format))


def test_a_place_that_is_not_known_is_the_whole_earth() -> None:
    nowhere = {name: value for name, value in source("b").items() if name != "bbox"} | {"geometry": None}
    assert given(nowhere, source("a"), **COLLECTION)["bbox"] == [-180.0, -90.0, 180.0, 90.0]


def test_items_across_the_180th_meridian_are_of_all_longitudes() -> None:
    made = given(source("a", bbox=[170.0, 0.0, -170.0, 10.0]), source("b", bbox=[0.0, -5.0, 10.0, 5.0]), **COLLECTION)
    assert made["bbox"] == [-180.0, -5.0, 180.0, 10.0]


def test_an_item_to_publish_is_there_only_where_one_was_kept(tmp_path: Path) -> None:
    workdir, project = Workdir(tmp_path), Project("g", "a1b")
    assert item_to_publish(workdir, project) is None
    workdir.stac_item(project).parent.mkdir(parents=True)
    workdir.stac_item(project).write_text(json.dumps(source()))
    assert item_to_publish(workdir, project) == source()
