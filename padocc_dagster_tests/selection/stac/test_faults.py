"""Each fault of the proxy is what it says, and what pystac-client 0.9 makes of it by itself."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from urllib3 import Retry

from padocc_dagster_tests.selection.stac import cmip6
from padocc_dagster_tests.selection.stac.faults import EVER, Fault
from padocc_dagster_tests.selection.stac.proxy import FaultyServer, faulty
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.server import StacServer

ITEMS, LIMIT = 10, 2
PAGES = ITEMS // LIMIT
RETRIES = 5
"""What pystac-client does by itself."""
BOTH = pytest.mark.parametrize("method", ["GET", "POST"])


@pytest.fixture(scope="module")
def loaded(stac: StacServer, archive: Archive) -> Iterator[StacServer]:
    stac.clear()
    stac.load([cmip6.collection()], cmip6.many(archive, ITEMS))
    yield stac
    stac.clear()


@pytest.fixture
def proxy(loaded: StacServer) -> Iterator[FaultyServer]:
    """Without a fault; `search` gives it one when its client is open."""
    with faulty(loaded.url) as server:
        yield server


def search(proxy: FaultyServer, method: str = "GET", client: Client | None = None, **fault: Any) -> Iterator[str]:
    """The names that a search for everything finds, page by page."""
    client = client or Client.open(proxy.url)
    proxy.become(Fault(**fault))
    for item in client.search(limit=LIMIT, method=method).items_as_dicts():
        yield item["id"]


def failure(proxy: FaultyServer, method: str = "GET", **fault: Any) -> tuple[int, int | None]:
    """How many requests a search made that must fail, and the status it failed with."""
    with pytest.raises(APIError) as caught:
        list(search(proxy, method, **fault))
    return proxy.requests["/search"], getattr(caught.value, "status_code", None)


@BOTH
def test_without_a_fault_every_page_comes_through_the_proxy(proxy: FaultyServer, method: str) -> None:
    assert len(set(search(proxy, method))) == ITEMS
    assert proxy.requests == {"/": 2, "/search": PAGES}  # a search reads the landing page again


def test_only_the_first_requests_fail(loaded: StacServer) -> None:
    with faulty(loaded.url, first=2) as proxy:
        for _ in range(2):
            with pytest.raises(APIError):
                Client.open(proxy.url)
        assert Client.open(proxy.url).id == "archive"
        assert proxy.requests == {"/": 3}


@BOTH
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_failing_status_is_not_asked_again(proxy: FaultyServer, method: str, status: int) -> None:
    assert failure(proxy, method, path="/search", first=1, status=status) == (1, status)


def test_a_get_is_asked_again_when_the_answer_says_when(proxy: FaultyServer) -> None:
    began = time.monotonic()
    assert len(list(search(proxy, path="/search", first=1, retry_after_seconds=1))) == ITEMS
    assert time.monotonic() - began >= 1
    assert failure(proxy, path="/search", first=EVER, retry_after_seconds=0)[1] == 503


def test_a_post_is_not_asked_again_even_then(proxy: FaultyServer) -> None:
    assert failure(proxy, "POST", path="/search", first=1, retry_after_seconds=0) == (1, 503)


def test_a_get_is_asked_again_when_its_connection_is_closed(proxy: FaultyServer) -> None:
    assert len(list(search(proxy, path="/search", first=RETRIES, status=None))) == ITEMS
    assert proxy.requests["/search"] == PAGES + RETRIES


def test_a_get_is_given_up_when_its_connection_is_always_closed(proxy: FaultyServer) -> None:
    assert failure(proxy, path="/search", first=EVER, status=None) == (1 + RETRIES, None)


def test_a_post_is_not_asked_again_when_its_connection_is_closed(proxy: FaultyServer) -> None:
    assert failure(proxy, "POST", path="/search", first=1, status=None) == (1, None)


@BOTH
@pytest.mark.parametrize("status", [503, None])
def test_everything_is_asked_again_when_the_client_is_told_to(proxy: FaultyServer, method: str, status: int | None) -> None:
    retry = Retry(total=3, allowed_methods=None, status_forcelist=[503])
    client = Client.open(proxy.url, stac_io=StacApiIO(max_retries=retry))
    assert len(list(search(proxy, method, client, path="/search", first=3, status=status))) == ITEMS
    with pytest.raises(APIError, match="Max retries exceeded") as caught:
        list(search(proxy, method, client, path="/search", first=4, status=status))
    assert not hasattr(caught.value, "status_code")


@pytest.mark.parametrize("nonsense", ["html", "truncated"])
def test_an_answer_that_is_no_json_is_a_bare_value_error(proxy: FaultyServer, nonsense: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        list(search(proxy, path="/search", nonsense=nonsense))


def test_an_answer_whose_connection_ends_is_not_asked_again(proxy: FaultyServer) -> None:
    assert failure(proxy, path="/search", nonsense="cut") == (1, None)


def test_an_answer_of_an_empty_object_passes_for_no_items(proxy: FaultyServer) -> None:
    assert list(search(proxy, path="/search", nonsense="null")) == []


@BOTH
@pytest.mark.parametrize("refused", [False, True])
def test_a_server_that_goes_away_fails_the_search_after_its_pages(proxy: FaultyServer, method: str, refused: bool) -> None:
    found = search(proxy, method, gone_after=2, refused=refused)
    assert len([next(found) for _ in range(2 * LIMIT)]) == 4
    with pytest.raises(APIError, match="refused" if refused else "closed"):
        next(found)
    with pytest.raises(APIError):
        Client.open(proxy.url)


@BOTH
def test_the_same_page_is_answered_without_an_end(proxy: FaultyServer, method: str) -> None:
    found = search(proxy, method, same_page=True)
    names = [next(found) for _ in range(10 * ITEMS)]
    assert len(set(names)) == LIMIT


@BOTH
def test_an_empty_page_with_a_next_one_passes_for_the_end(proxy: FaultyServer, method: str) -> None:
    assert len(list(search(proxy, method, empty_page=2))) == LIMIT


def test_a_lost_link_to_the_next_page_passes_for_the_end(proxy: FaultyServer) -> None:
    assert len(list(search(proxy, last_page=2))) == 2 * LIMIT


@BOTH
def test_slow_answers_come(proxy: FaultyServer, method: str) -> None:
    began = time.monotonic()
    assert len(list(search(proxy, method, path="/search", delay_seconds=0.1))) == ITEMS
    assert time.monotonic() - began >= 0.1 * PAGES


@pytest.mark.parametrize(("method", "requests"), [("GET", 1 + RETRIES), ("POST", 1)])
def test_a_timeout_ends_the_wait_for_a_slow_answer(proxy: FaultyServer, method: str, requests: int) -> None:
    with pytest.raises(APIError, match="Read timed out"):
        list(search(proxy, method, Client.open(proxy.url, timeout=0.2), path="/search", delay_seconds=30))
    assert proxy.requests["/search"] == requests


def test_a_timeout_given_to_its_own_input_and_output_is_forgotten(proxy: FaultyServer) -> None:
    client = Client.open(proxy.url, stac_io=StacApiIO(timeout=0.1))
    assert len(list(search(proxy, client=client, path="/search", delay_seconds=0.2))) == ITEMS
