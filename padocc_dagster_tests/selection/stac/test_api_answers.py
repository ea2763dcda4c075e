"""Whatever a catalogue answers, it is an error in words or a whole selection, or one that says that it is not whole."""

import pytest

from padocc_dagster.selection import ConfigRejected
from padocc_dagster.selection.stac import api, reading
from padocc_dagster.selection.stac.plan import plan
from padocc_dagster_tests.selection.stac import cmip6
from padocc_dagster_tests.selection.stac.faulty_api import COLLECTION, EVERYWHERE, ITEMS, OCEAN, OTHERS, PAGE, PAGES, TRIES, Place
from padocc_dagster_tests.selection.stac.group_configs import codes
from padocc_dagster_tests.selection.stac.server import StacServer


@EVERYWHERE
@pytest.mark.parametrize("nonsense", ["html", "truncated", "cut", "null"])
def test_nonsense_is_never_taken_for_an_answer(place: Place, path: str, nonsense: str) -> None:
    if (path, nonsense) == ("/", "null"):
        with pytest.raises(ConfigRejected, match="is no STAC catalogue: give the address of the landing page"):
            place.select({"path": path, "nonsense": nonsense})
    else:
        place.unreachable(path=path, nonsense=nonsense)
    assert place.count <= 1 + reading.NONSENSE_RETRIES + OTHERS


SHAPES = [
    ("/search", '"features":[', '"features":[5,'),
    ("/search", '"features":[', '"features":[{"type":"Feature"},'),
    ("/search", '"features":[', '"features":{"0":'),
    ("/search", '"rel":"next"', '"rel":"next"},{"rel":"none"'),
    ("/search", '"rel":"next"', '"rel":"next","href":7},{"rel":"none"'),
    ("/search", '"links":[', '"links":[8,'),
    (COLLECTION, '"type":"Collection"', '"type":"Feature"'),
    (COLLECTION, f'"id":"{cmip6.COLLECTION}"', '"id":["cmip6"]'),
    ("/", '"id":"archive"', '"identifier":"archive"'),
    ("/", '"conformsTo":[', '"conformsTo":[9,'),
    ("/", '"links":[', '"links":[{"rel":"search"},'),
]


@pytest.mark.parametrize(("path", "text", "other"), SHAPES)
def test_an_answer_of_another_shape_is_told_in_a_sentence(place: Place, path: str, text: str, other: str) -> None:
    told = place.unreachable(path=path, replaced=((text, other), (text.replace(":", ": "), other)))
    assert "Traceback" not in told and len(told.splitlines()) == 1


@pytest.mark.parametrize("refused", [False, True])
def test_a_catalogue_that_goes_away_between_pages_gives_nothing(place: Place, refused: bool) -> None:
    assert "cannot be reached" in place.unreachable(gone_after=2, path="/search", refused=refused)
    assert place.proxy.requests["/search"] <= 2 + TRIES


def test_pages_that_go_round_end_with_an_error(place: Place) -> None:
    assert "goes round" in place.unreachable(same_page=True)
    assert place.proxy.requests["/search"] <= 3


def test_pages_without_an_end_end_with_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PAGES", 20)
    assert "has no end" in place.unreachable(endless=True)
    assert place.proxy.requests["/search"] <= 21


def test_an_empty_page_in_the_middle_is_not_the_end(place: Place) -> None:
    assert len(codes(place.select({"empty_page": 2}))) == ITEMS - PAGE
    assert place.proxy.requests["/search"] == PAGES


def test_an_end_that_comes_too_early_is_told_and_withdraws_nothing(place: Place, loaded: StacServer) -> None:
    loaded.count_matches(True)
    try:
        before = place.select({})
        for fault in ({"last_page": 2}, {"empty_page": 2}, {"last_page": 4, "repeated": True}):
            now = place.select(fault)
            assert before.selection.whole and not now.selection.whole
            assert now.manifest["summary"]["not all"].startswith(f"of {ITEMS} items that match")
            stored = {spec.code: spec.records for spec in before.projects}
            planned = plan(before.manifest, now.selection, stored)
            assert (planned.make, planned.withdrawn) == ({}, {})
            assert planned.kept(before.manifest, now.manifest)["projects"].keys() == stored.keys()
    finally:
        loaded.count_matches(False)


def test_a_project_of_many_items_is_not_made_smaller_by_an_end_that_comes_too_early(place: Place, loaded: StacServer) -> None:
    loaded.count_matches(True)
    try:
        asked = {"projects": "collection", "collections": [OCEAN.ecv]}
        before, now = (place.select(fault, **asked) for fault in ({}, {"last_page": 2}))
    finally:
        loaded.count_matches(False)
    planned = plan(before.manifest, now.selection, {spec.code: spec.records for spec in before.projects})
    assert (planned.make, planned.withdrawn) == ({}, {})
    kept = planned.kept(before.manifest, now.manifest)["projects"]
    assert [len(entry["items"]) for entry in kept.values()] == [5]


def test_collections_that_go_round_are_read_once(place: Place) -> None:
    round_ = {"path": f"/collections/{OCEAN.collection}", "replaced": (('"rel":"parent"', '"rel":"child"'),)}
    config = place.select(round_, projects="collection", collections=[OCEAN.ecv])
    assert codes(config) == [OCEAN.collection] and len(config.projects[0].files) == 5
    assert {place.proxy.requests[f"/collections/{name}"] for name in (OCEAN.ecv, OCEAN.uuid, OCEAN.collection)} == {1}


def test_more_collections_than_are_followed_end_with_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_COLLECTIONS", 2)
    monkeypatch.setattr(place, "asked", [OCEAN.ecv])
    assert "more than 2 collections below those of the search" in place.unreachable()
