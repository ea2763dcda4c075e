"""What a person sees and does in the browser: the asset graph, and materialising a project by clicking."""

from pathlib import Path

import pytest
import xarray
from playwright.sync_api import Page

from padocc_dagster_tests.live.conftest import Live
from padocc_dagster_tests.make_netcdf import Series

CHAIN = ("project", "scan_report", "cloud_product", "validation_report", "completed_product")
BY_GROUP = ("scan_success", "compute_success", "validate_success", "group_overview")
AFTER_A_SCAN = ("scan", "compute", "validate", "complete")
HOSTILE = '`touch owned`$(touch owned)\'; touch owned # [red]\n```\n<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
"""An attribute of the source files."""


@pytest.fixture(scope="module")
def finished(live: Live) -> Live:
    live.drop("seen", [{"code": "one", "pattern": live.series("one", Series(attributes={"title": HOSTILE}))}])
    live.wait("the product", lambda: live.state("seen:one").phase == "complete")
    return live


def test_the_graph_shows_every_asset(finished: Live, page: Page) -> None:
    page.goto(f"{finished.url}/asset-groups")
    for name in (*CHAIN, *BY_GROUP):
        page.get_by_text(name, exact=True).first.wait_for()


def test_the_check_shows_how_the_product_was_compared(finished: Live, page: Page) -> None:
    page.goto(f"{finished.url}/assets/cloud_product?view=checks&checkDetail=product_matches_source")
    page.get_by_text("product_matches_source").first.wait_for()
    page.get_by_text("source files were compared in full").first.wait_for()


def test_an_attribute_with_commands_and_markup_is_published_as_it_is_and_nothing_of_it_is_executed(finished: Live, page: Page) -> None:
    product = finished.workdir.completed / "seen" / "one_k1.0" / "one_k1.0.json"
    with xarray.open_dataset(str(product), engine="kerchunk") as opened:
        assert opened.attrs["title"] == HOSTILE
    page.goto(f"{finished.url}/assets/cloud_product?view=partitions&partition=seen%3Aone")
    page.get_by_text("touch owned").first.wait_for()
    assert page.evaluate("window.owned") is None
    assert not [*finished.workdir.root.parent.rglob("owned"), *Path().glob("owned")]


def test_a_project_is_materialised_by_clicking_and_its_chain_follows(finished: Live, page: Page) -> None:
    before = [row.phase for row in finished.rows("seen:one")]
    page.goto(f"{finished.url}/assets/scan_report?view=partitions&partition=seen%3Aone")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Launch 1 run").click()
    finished.wait("the chain", lambda: [row.phase for row in finished.rows("seen:one")][len(before) :] == list(AFTER_A_SCAN))
    assert finished.state("seen:one").verdict == "ok"
