"""A group selected from a real STAC API behind the proxy of `proxy.py`, with pages of two items."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import CatalogueUnreachable, GroupConfig
from padocc_dagster.selection.stac import api, reading
from padocc_dagster_tests.selection.stac import cci, cmip6
from padocc_dagster_tests.selection.stac.faults import Fault
from padocc_dagster_tests.selection.stac.group_configs import section, selected
from padocc_dagster_tests.selection.stac.proxy import FaultyServer, faulty
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.server import StacServer

ITEMS, PAGE = 10, 2
PAGES = ITEMS // PAGE
OTHERS = 4
"""Requests for the landing page, which is read three times, and for a collection."""
TRIES = 1 + reading.RETRIES
OCEAN = cci.Dataset()
COLLECTION = f"/collections/{cmip6.COLLECTION}"
EVERYWHERE = pytest.mark.parametrize("path", ["/search", COLLECTION, "/"])


@pytest.fixture(scope="module")
def loaded(stac: StacServer, archive: Archive) -> Iterator[StacServer]:
    stac.clear()
    stac.load([cmip6.collection(), *cci.collections([OCEAN])], [*cmip6.many(archive, ITEMS), *cci.written(archive, OCEAN, 5)])
    yield stac
    stac.clear()


@pytest.fixture
def proxy(loaded: StacServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Without a fault, which `select` gives it."""
    monkeypatch.setattr(api, "PAGE", PAGE)
    monkeypatch.setattr(reading, "BACKOFF_SECONDS", 0.01)
    with faulty(loaded.url) as server:
        yield server


class Place:
    """Where a group is selected through the proxy."""

    def __init__(self, proxy: FaultyServer, archive: Archive, folder: Path) -> None:
        self.proxy, self.archive, self.folder = proxy, archive, folder
        self.asked = [cmip6.COLLECTION]

    def select(self, fault: dict[str, Any], **fields: Any) -> GroupConfig:
        self.proxy.become(Fault(**fault))
        return selected(self.folder, section(self.proxy.url, self.archive, **{"collections": self.asked, **fields}))

    def unreachable(self, **fault: Any) -> str:
        """Why there is no selection for now: a sentence with the address."""
        with pytest.raises(CatalogueUnreachable) as caught:
            self.select(fault)
        told = str(caught.value)
        assert self.proxy.url in told and told.endswith("try again later, and check the address")
        return told

    @property
    def count(self) -> int:
        return self.proxy.requests.total()


@pytest.fixture
def place(proxy: FaultyServer, archive: Archive, tmp_path: Path) -> Place:
    return Place(proxy, archive, tmp_path)
