"""A STAC API that runs for the whole session, and an archive of real files for records."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from padocc_dagster_tests.selection.stac.faulty_api import loaded, place, proxy
from padocc_dagster_tests.selection.stac.records import Archive

if TYPE_CHECKING:
    from padocc_dagster_tests.selection.stac.server import StacServer

__all__ = ["archive", "loaded", "place", "proxy", "stac"]


@pytest.fixture(scope="session")
def stac(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[StacServer]":
    """Runs for the whole session: a test file that uses it clears it first."""
    from padocc_dagster_tests.selection.stac.server import missing, stac_server

    if lacking := missing():
        pytest.skip(f"no STAC API: {lacking}")
    with stac_server(tmp_path_factory.mktemp("stac")) as server:
        yield server


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An empty archive for the tests of a file."""
    return Archive(tmp_path_factory.mktemp("archive"))
