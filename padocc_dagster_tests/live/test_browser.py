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
    for group, names in {"pipeline": CHAIN, "subsets_and_overview": BY_GROUP}.items():
        page.goto(f"{finished.url}/locations/padocc_dagster/asset-groups/{group}")
        for name in names:
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


def test_the_overview_shows_its_picture_and_its_figures_at_once(finished: Live, page: Page) -> None:
    board = finished.workdir.board("seen")
    finished.wait("the board of the published project", lambda: board.exists() and "1 of 1 published" in board.read_text())
    page.goto(f"{finished.url}/assets/group_overview?view=partitions&partition=seen")
    picture = page.get_by_alt_text("projects by phase").first
    picture.wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 100
    assert page.get_by_text("[Show Markdown]").count() == 0
    page.get_by_text(str(board)).first.wait_for()
    link = page.locator("a[href$='/board/seen']").first
    with page.expect_popup() as opened:
        link.click()
    opened.value.locator("#projects").get_by_text("one_k1.0.json").first.wait_for()
    opened.value.close()


def test_the_board_of_a_real_group_has_its_product_its_picture_and_its_place(finished: Live, page: Page) -> None:
    finished.wait("the picture", lambda: "data:image/png" in finished.workdir.board("seen").read_text())
    page.goto(finished.workdir.board("seen").as_uri())
    assert "completed/seen/one_k1.0/one_k1.0.json" in page.locator("#projects").inner_text()
    assert page.locator("figure img").evaluate("image => image.complete && image.naturalWidth") > 0
    assert page.locator(".map rect").count() == 1


def test_the_launchpad_of_a_step_opens_with_an_example(finished: Live, page: Page) -> None:
    page.goto(f"{finished.url}/locations/padocc_dagster/jobs/recompute_projects/playground")
    page.get_by_text("GROUP:PROJECT").first.wait_for()
