"""A catalogue that fails, is slow or refuses is asked again where that may help, a bounded number of times, and what came of it is told."""

import time

import pytest

from padocc_dagster.selection import ConfigRejected
from padocc_dagster.selection.stac import reading
from padocc_dagster_tests.selection.stac.faults import EVER
from padocc_dagster_tests.selection.stac.faulty_api import COLLECTION, EVERYWHERE, ITEMS, OTHERS, PAGES, TRIES, Place
from padocc_dagster_tests.selection.stac.group_configs import codes
from padocc_dagster_tests.selection.stac.proxy import faulty


def test_without_a_fault_there_is_a_request_for_each_page(place: Place) -> None:
    assert len(codes(place.select({}))) == ITEMS
    assert place.proxy.requests["/search"] == PAGES and place.count <= PAGES + OTHERS


@EVERYWHERE
@pytest.mark.parametrize("status", [503, 429, 500, None])
def test_requests_that_fail_at_first_are_made_again(place: Place, path: str, status: int | None) -> None:
    assert len(codes(place.select({"path": path, "first": TRIES - 1, "status": status}))) == ITEMS
    assert place.count <= PAGES + OTHERS + TRIES


@EVERYWHERE
@pytest.mark.parametrize("status", [503, None])
def test_requests_that_always_fail_are_given_up(place: Place, path: str, status: int | None) -> None:
    told = place.unreachable(path=path, first=EVER, status=status)
    assert "answers with status 503" in told if status else "cannot be reached" in told
    assert place.count <= TRIES + OTHERS


def test_a_catalogue_may_be_slow_within_the_limit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER_SECONDS", 5.0)
    assert len(codes(place.select({"path": "/search", "delay_seconds": 0.2}))) == ITEMS


def test_a_catalogue_that_is_slower_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER_SECONDS", 0.2)
    began = time.monotonic()
    assert "timed out" in place.unreachable(path="/search", delay_seconds=1.0)
    assert time.monotonic() - began < 20 and place.proxy.requests["/search"] == TRIES


def test_an_answer_that_comes_byte_by_byte_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WHOLE_SECONDS", 0.5)
    began = time.monotonic()
    assert "has not sent all of its answer" in place.unreachable(path="/search", trickle_seconds=0.05)
    assert time.monotonic() - began < 20


def test_an_answer_without_an_end_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 3000)
    assert "has not sent all of its answer" in place.unreachable(path="/search")


@pytest.mark.parametrize(("path", "status"), [("/search", 400), ("/search", 404), ("/", 401), ("/", 403), ("/", 404), (COLLECTION, 403)])
def test_a_refusal_is_a_problem_with_address_and_status(place: Place, path: str, status: int) -> None:
    with pytest.raises(ConfigRejected) as caught:
        place.select({"path": path, "first": EVER, "status": status})
    assert f"{place.proxy.url}{path.rstrip('/')}" in str(caught.value) and f"answers with status {status}" in str(caught.value)
    assert ("needs a login, which is not supported" in str(caught.value)) is (status in (401, 403))
    assert place.count <= 1 + OTHERS


def test_a_catalogue_that_says_when_is_asked_again_then(place: Place) -> None:
    began = time.monotonic()
    assert len(codes(place.select({"path": "/search", "first": 1, "retry_after_seconds": 1}))) == ITEMS
    assert time.monotonic() - began >= 1


def test_a_catalogue_that_says_next_week_is_given_up_in_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER_SECONDS", 1.0)
    began = time.monotonic()
    place.unreachable(path="/search", first=EVER, retry_after_seconds=604800)
    assert time.monotonic() - began < TRIES + 20 and place.proxy.requests["/search"] == TRIES


@pytest.mark.parametrize("method", ["POST", "post", "DELETE"])
def test_nothing_that_a_catalogue_made_up_is_sent_to_another_server(place: Place, method: str) -> None:
    with faulty(place.proxy.url) as other:
        made_up = f'"rel":"next","method":"{method}","href":"{other.url}/graphql","body":{{"query":"x"}}}},{{"rel":"none"'
        assert "on another server" in place.unreachable(path="/search", replaced=(('"rel":"next"', made_up),))
        assert not other.requests


def test_a_search_that_is_redirected_does_not_become_one_for_everything(place: Place) -> None:
    with faulty(place.proxy.url) as other:
        told = place.unreachable(path="/search", first=EVER, status=301, location=f"{other.url}/search")
        assert f"redirects searches to {other.url}/search" in told
        assert not other.requests
