"""The STAC API of the tests answers as the real thing, because it is the real thing."""

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.warnings import DoesNotConformTo

from padocc_dagster_tests.selection.stac import cci, cmip6, records, server
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.server import StacServer
from padocc_dagster_tests.slurm.postgres import PASSWORD

VAS, TAS, PR = (cmip6.Dataset(variable) for variable in ("vas", "tas", "pr"))
ARCTIC = cci.Dataset("sea-ice", "f17f146a31b14dfd960cde0874236ee5", (-180.0, 60.0, 180.0, 90.0))
OCEAN = cci.Dataset()


@pytest.fixture(scope="module")
def loaded(stac: StacServer, archive: Archive) -> Iterator[StacServer]:
    """Three datasets of CMIP6, of which `tas` is retracted, and two of the CCI, of which one is of the Arctic and has seven files."""
    stac.clear()
    items = [cmip6.written(archive, VAS), records.retracted(cmip6.written(archive, TAS)), cmip6.written(archive, PR)]
    items += cci.written(archive, ARCTIC, 7) + cci.written(archive, OCEAN, 2)
    stac.load([cmip6.collection(), *cci.collections([ARCTIC, OCEAN])], items)
    yield stac
    stac.clear()


@pytest.fixture
def client(loaded: StacServer) -> Iterator[Client]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoesNotConformTo)  # pystac-client knows the extension `sort` only of 1.0
        yield Client.open(loaded.url)


def found(client: Client, **search: object) -> list[str]:
    """The names that a search finds, in the order of the server."""
    return [item["id"] for item in client.search(**search).items_as_dicts()]


def test_all_collections_are_listed(client: Client) -> None:
    names = {"cmip6", "sea-ice", ARCTIC.uuid, ARCTIC.collection, "sea-surface-temperature", OCEAN.uuid, OCEAN.collection}
    assert {collection.id for collection in client.get_collections()} == names


def test_collections_lie_in_each_other(client: Client) -> None:
    def children(name: str) -> list[str]:
        return [link.href.rsplit("/", 1)[1] for link in client.get_collection(name).links if link.rel == "child"]

    assert (children("sea-ice"), children(ARCTIC.uuid), children(ARCTIC.collection)) == ([ARCTIC.uuid], [ARCTIC.collection], [])
    parents = [link.href for link in client.get_collection(ARCTIC.collection).links if link.rel == "parent"]
    assert parents == [f"{client.self_href.rstrip('/')}/collections/{ARCTIC.uuid}"]


def test_an_item_comes_back_as_it_was_loaded_but_for_its_null_properties(client: Client, archive: Archive) -> None:
    (answer,) = client.search(ids=[VAS.name]).items_as_dicts()
    loaded = cmip6.item(archive, VAS, [archive.root / VAS.folder / name for name in VAS.files(2)])
    assert loaded["properties"].pop("datetime") is None
    assert {**answer, "links": []} == {**loaded, "links": []}


FILTERS = [
    ("variable_id = 'vas'", [VAS]),
    ("retracted = false", [PR, VAS]),
    ("variable_id IN ('tas', 'pr') AND NOT retracted = true", [PR]),
    ({"op": "like", "args": [{"property": "variable_id"}, "%as"]}, [TAS, VAS]),
    ({"op": "a_contains", "args": [{"property": "grid_label"}, ["gn"]]}, [PR, TAS, VAS]),
    ("a_contains(grid_label, ('gr'))", []),
    ("no_such_property = 1", []),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("cql2", "datasets"), FILTERS)
def test_cql2_chooses_by_properties(client: Client, method: str, cql2: object, datasets: list[cmip6.Dataset]) -> None:
    assert sorted(found(client, collections=["cmip6"], filter=cql2, method=method)) == sorted(dataset.name for dataset in datasets)


def test_cql2_that_is_none_is_refused(loaded: StacServer) -> None:
    answer = requests.get(f"{loaded.url}/search", params={"filter": "a ===", "filter-lang": "cql2-text"}, timeout=60)
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_query_chooses_by_properties(client: Client, method: str) -> None:
    assert found(client, query={"variable_id": {"eq": "vas"}, "retracted": {"eq": False}}, method=method) == [VAS.name]


def test_a_time_chooses_what_overlaps_it(client: Client) -> None:
    names = [Path(name).stem for name in ARCTIC.files(7)]
    assert sorted(found(client, collections=[ARCTIC.collection], datetime="2000-01-06/2000-01-10")) == sorted(names[1:3])
    assert found(client, datetime="2010-01-01/..") == []


def test_a_box_chooses_what_overlaps_it(client: Client) -> None:
    everything = [ARCTIC.collection, OCEAN.collection]
    assert len(found(client, collections=everything, bbox=[0, 70, 1, 71])) == 9
    assert len(found(client, collections=everything, bbox=[0, 0, 1, 1])) == 2


def test_items_are_found_by_their_names(client: Client) -> None:
    assert sorted(found(client, ids=[VAS.name, PR.name, "none"])) == sorted([VAS.name, PR.name])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_hold_every_item_once(client: Client, method: str) -> None:
    pages = list(client.search(limit=5, method=method).pages_as_dicts())
    names = [item["id"] for page in pages for item in page["features"]]
    assert [len(page["features"]) for page in pages] == [5, 5, 2]
    assert len(set(names)) == 12


def test_items_are_sorted_as_asked(client: Client) -> None:
    names = [Path(name).stem for name in ARCTIC.files(7)]
    assert found(client, collections=[ARCTIC.collection], sortby="start_datetime") == names
    assert found(client, collections=[ARCTIC.collection], sortby="id", limit=2) == sorted(names)


def test_only_the_fields_are_answered_that_were_asked_for(client: Client) -> None:
    (item,) = client.search(ids=[VAS.name], fields=["id", "properties.version"]).items_as_dicts()
    assert item["properties"] == {"version": "v20191108"} and "assets" not in item


def test_how_many_match_is_told_only_when_wanted(client: Client, loaded: StacServer) -> None:
    with pytest.warns(UserWarning, match="numberMatched"):
        assert client.search(collections=["cmip6"]).matched() is None
    loaded.count_matches(True)
    assert client.search(collections=["cmip6"]).matched() == 3
    loaded.count_matches(False)


def test_an_item_can_be_replaced_and_deleted(client: Client, loaded: StacServer, archive: Archive) -> None:
    item = cmip6.written(archive, replace(VAS, member="r2i1p1f1"))
    loaded.load([], [item])
    loaded.load([], [records.updated(item, datetime(2025, 1, 1, tzinfo=UTC))])
    (answer,) = client.search(ids=[item["id"]]).items_as_dicts()
    assert answer["properties"]["updated"] == "2025-01-01T00:00:00Z"
    loaded.delete_item("cmip6", item["id"])
    assert found(client, ids=[item["id"]]) == []


@pytest.mark.parametrize("number", [0, 1])
def test_paging_breaks_off_when_the_last_item_of_a_page_is_deleted(client: Client, loaded: StacServer, number: int) -> None:
    pages = client.search(collections=[ARCTIC.collection], limit=2).pages_as_dicts()
    item = next(pages)["features"][number]
    loaded.delete_item(ARCTIC.collection, item["id"])
    try:
        with pytest.raises(APIError) if number == 1 else nullcontext():
            assert sum(len(page["features"]) for page in pages) == 5
    finally:
        loaded.load([], [item])


def test_nothing_can_be_written_through_the_api(loaded: StacServer) -> None:
    assert requests.post(f"{loaded.url}/collections", json=cmip6.collection(), timeout=60).status_code == 405
    assert requests.delete(f"{loaded.url}/collections/cmip6", timeout=60).status_code == 405


def test_no_password_is_in_the_list_of_processes(loaded: StacServer) -> None:
    lists = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert any(b"serve.py" in text for text in lists)
    assert not any(PASSWORD.encode() in text for text in lists)


def test_a_machine_without_postgres_is_told_what_it_lacks(loaded: StacServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.missing() is None
    monkeypatch.setattr(server, "programs", lambda: None)
    assert server.missing() == "no Postgres is installed: apt-get install postgresql"


def test_a_postgres_without_postgis_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "15" / "bin"
    folder.mkdir(parents=True)
    (folder / "pg_config").symlink_to("/bin/true")
    monkeypatch.setattr(server, "programs", lambda: folder)
    assert server.missing().endswith("apt-get install --no-install-recommends postgresql-15-postgis-3")
