"""A static catalogue on disk, over real files, from a group config to specs."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import CatalogueUnreachable, GroupConfig, read_group_config
from padocc_dagster_tests.selection.conftest import problems, write  # noqa: F401  (fixtures)
from padocc_dagster_tests.selection.stac import cci, cmip6, records
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.static_catalogue import write_static

ICE, OCEAN = cci.Dataset("sea-ice", "f17f146a31b14dfd960cde0874236ee5", (-180.0, 50.0, 180.0, 90.0)), cci.Dataset()
COLLECTIONS = [cmip6.collection(), *cci.collections([ICE, OCEAN])]


@pytest.fixture(scope="module")
def items(archive: Archive) -> list[records.Record]:
    return [cmip6.written(archive, files=3), *cci.written(archive, ICE), *cci.written(archive, OCEAN, 4)]


@pytest.fixture
def catalogue(tmp_path: Path, items: list[records.Record]) -> Path:
    return write_static(tmp_path / "static", COLLECTIONS, items)


@pytest.fixture
def asking(write: Any, archive: Archive, catalogue: Path) -> Any:  # noqa: F811
    """A config of the catalogue, with these lines in its section."""
    rules = f"{{{records.DAP}: {archive.root}}}"
    return lambda *lines: write("\n  ".join(["stac:", f"catalogue: {catalogue}", f"paths: {rules}", *lines, ""]), "cci.yaml")


@pytest.fixture
def selected(asking: Any) -> Any:
    return lambda *lines: read_group_config(asking(*lines))


def item_file(catalogue: Path, name: str) -> Path:
    return next(catalogue.parent.rglob(f"{name}.json"))


def ids(config: GroupConfig) -> set[str]:
    return {record.id for record in config.selection.records}


def test_without_a_search_every_item_is_a_project(selected: Any, items: list[records.Record]) -> None:
    config = selected()
    assert sorted(spec.code for spec in config.projects) == sorted(item["id"] for item in items)
    assert config.selection.whole and config.selection.matched is None
    assert all(os.path.isfile(file) for spec in config.projects for file in spec.files)


@pytest.mark.parametrize("name", [ICE.ecv, ICE.uuid, ICE.collection])
def test_a_collection_stands_for_those_below_it(name: str, selected: Any) -> None:
    (spec,) = selected(f"collections: {name}", "projects: collection").projects
    assert (spec.code, len(spec.files), spec.pattern) == (ICE.collection, 3, "")


def test_files_are_in_order_of_their_records_and_not_of_their_names(selected: Any, archive: Archive) -> None:
    (spec,) = selected(f"collections: [{OCEAN.uuid}]", "projects: collection").projects
    assert list(spec.files) == [str(archive.root / OCEAN.folder / name) for name in OCEAN.files(4)]
    assert list(spec.files) != sorted(spec.files)
    assert spec.records["items"] == 4 and spec.records["publish_item"] is False and spec.item == ""


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("filter: source_id = 'MRI-ESM2-0' AND grid_label = 'gn'", 1),
        ("query: {ecv: {in: [sea-ice, soil]}}", 3),
        ("bbox: [0, -20, 10, -10]", 5),
        ("datetime: 2000-01-01/2000-01-02", 3),
        (f"ids: [{Path(OCEAN.files(4)[2]).stem}]", 1),
        ("max_items: 2", 2),
    ],
)
def test_a_search_is_made_without_a_server(search: str, count: int, selected: Any) -> None:
    config = selected(search)
    assert len(config.projects) == count and config.selection.whole is (search != "max_items: 2")


def test_an_unknown_collection_is_told_with_what_was_meant(asking: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(asking("collections: [cmip6, sea-icce]"))
    assert found.startswith("line 1: stac: ") and "has no collection 'sea-icce': did you mean 'sea-ice'? known are cmip6" in found


def test_an_empty_result_tells_an_unknown_property(asking: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(asking("collections: cmip6", "filter: sourceid = 'MRI-ESM2-0'"))
    assert "none of 1 items of" in found and "has a property 'sourceid': did you mean 'source_id'?" in found


def test_an_empty_result_of_known_properties_says_to_widen_the_search(asking: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(asking("filter: source_id = 'other'"))
    assert found.endswith("catalog.json fits: widen the search")


def test_where_all_are_left_out_it_says_why(
    catalogue: Path,
    asking: Any,
    selected: Any,
    problems: Any,  # noqa: F811
    items: list[records.Record],
) -> None:
    path = item_file(catalogue, items[0]["id"])
    path.write_text(json.dumps(records.retracted(json.loads(path.read_text()))))
    (found,) = problems(asking("collections: cmip6"))
    assert f"all 1 items that fit are retracted: '{items[0]['id']}'; write leave_out: []" in found
    assert len(selected("collections: cmip6", "leave_out: []").projects) == 1
    assert selected().selection.left_out == {("cmip6", items[0]["id"]): "retracted"}


def test_links_that_go_round_end(catalogue: Path, selected: Any, items: list[records.Record]) -> None:
    deep = next(path for path in catalogue.parent.rglob("collection.json") if json.loads(path.read_text())["id"] == ICE.collection)
    collection = json.loads(deep.read_text())
    above = os.path.relpath(catalogue, deep.parent)
    for href in (str(catalogue), above, "./collection.json", f"../../../{ICE.ecv}/{ICE.uuid}/collection.json"):
        collection["links"].append({"rel": "child", "href": href})
    collection["links"] *= 2
    deep.write_text(json.dumps(collection))
    assert len(selected().projects) == len(items)


def test_a_catalogue_that_is_the_file_of_a_collection_is_one(catalogue: Path, write: Any, archive: Archive) -> None:  # noqa: F811
    collection = catalogue.parent / "cmip6" / "collection.json"
    config = read_group_config(write(f"stac: {{catalogue: {collection}, paths: {{'{records.DAP}': {archive.root}}}}}\n", "x.yaml"))
    assert len(config.projects) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory), and"),
        ("", "answers with something that is no JSON"),
        ('{"type": "Feature", "id"', "answers with something that is no JSON"),
        ("[" * 100_000, "answers with something that is no JSON"),
        ("[]", "answers with JSON that is no object"),
        ("{}", "is neither catalogue, collection nor item, and"),
        ('{"type": "FeatureCollection", "features": []}', "is neither catalogue, collection nor item, and"),
        ('{"type": "Feature", "properties": {}}', "is neither catalogue, collection nor item, and"),
        ('{"type": "Feature", "id": null}', "is neither catalogue, collection nor item, and"),
    ],
    ids=["missing", "empty", "cut", "deep", "list", "mapping", "other", "no id", "null id"],
)
def test_a_catalogue_with_a_damaged_item_is_not_taken_for_whole(
    content: str | None, sentence: str, catalogue: Path, selected: Any, items: list[records.Record]
) -> None:
    path = item_file(catalogue, items[2]["id"])
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(CatalogueUnreachable) as caught:
        selected()
    assert sentence in str(caught.value) and str(path) in str(caught.value)


def test_a_file_that_is_no_catalogue_is_told(catalogue: Path, asking: Any, problems: Any) -> None:  # noqa: F811
    catalogue.write_text('{"type": "Feature"}')
    (found,) = problems(asking())
    assert "is no STAC catalogue: give the address of the landing page or of catalog.json" in found


def test_addresses_without_a_rule_and_files_that_are_not_here_are_told_once(asking: Any, write: Any, problems: Any) -> None:  # noqa: F811
    config = asking("collections: cmip6")
    text = config.read_text()
    (remote,) = problems(write(text.replace(records.DAP, "https://other"), "a.yaml"))
    assert remote.startswith("line 1: stac: 3 of 3 source files: an address that no rule brings to this machine: 'https://dap")
    assert "`paths`" in remote
    (missing,) = problems(write(text.replace(f"{records.DAP}: ", f"{records.DAP}: /nowhere"), "b.yaml"))
    assert missing.startswith("line 1: stac: 3 of 3 source files: does not exist, or is a link that leads nowhere: '/nowhere")


def test_empty_files_of_several_projects_are_one_problem(tmp_path: Path, write: Any, problems: Any) -> None:  # noqa: F811
    own = Archive(tmp_path / "own", str(tmp_path / "own"))
    made = cci.written(own, ICE, 5)
    for name in ICE.files(5)[:4]:
        (own.root / ICE.folder / name).write_bytes(b"")
    catalogue = write_static(tmp_path / "empty", COLLECTIONS, made)
    (found,) = problems(write(f"stac: {{catalogue: {catalogue}}}\n", "cci.yaml"))
    assert "4 of 5 source files: empty (0 bytes): " in found and "and 1 more" in found


def test_relative_addresses_start_at_their_item(tmp_path: Path, write: Any) -> None:  # noqa: F811
    own = Archive(tmp_path / "own", str(tmp_path / "own"))
    write_static(tmp_path / "static", COLLECTIONS, cci.written(own, ICE), relative=True)
    (tmp_path / "static").rename(tmp_path / "static?#1")
    (spec,) = read_group_config(write("stac: {catalogue: 'static?#1', projects: collection}\n", "cci.yaml")).projects
    assert list(spec.files) == [str(own.root / ICE.folder / name) for name in ICE.files(3)]


def test_what_does_not_go_together_is_told_of_a_selection_too(asking: Any, write: Any, problems: Any) -> None:  # noqa: F811
    text = asking(f"collections: {ICE.uuid}").read_text()
    (found,) = problems(write(f"{text}\noptions: {{cloud_format: CFA}}\n", "cci.yaml"))
    assert "a CFA aggregation needs at least two source files and there is one" in found
