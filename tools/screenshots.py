"""The screenshots of the documentation, made anew from a demo that is being served, in the system's Chromium:

    make demo                                # goes on serving in a terminal
    python -m tools.screenshots demo http://127.0.0.1:3000

Look at them before you commit them.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from padocc_dagster_tests.conftest import ARGUMENTS, CHROMIUM

DOCS = Path(__file__).parents[1] / "docs"
GROUP = "demo"
SETTLED = 1500
"""Milliseconds in which Dagster's pages lay themselves out."""


def screenshots(root: Path, url: str) -> None:
    """Take all pictures of the demo in this folder, whose web server answers at this address."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto((root / "workdir" / "groups" / GROUP / "padocc_dagster" / "board.html").resolve().as_uri())
        page.screenshot(path=DOCS / "board.png")
        wide = browser.new_page(viewport={"width": 2600, "height": 700})  # narrower, Dagster shows the names alone
        _dagster(wide, f"{url}/locations/padocc_dagster/asset-groups/pipeline", "completed_product", "asset-graph.png")
        _dagster(page, f"{url}/assets/group_overview?view=partitions&partition={GROUP}", "core-hours used", "overview.png")
        _dagster(page, f"{url}/locations/padocc_dagster/jobs/recompute_projects/playground", "GROUP:PROJECT", "launchpad.png")
        browser.close()


def _dagster(page: Page, url: str, text: str, name: str) -> None:
    page.goto(url)
    page.get_by_text(text).first.wait_for()
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=DOCS / name)


if __name__ == "__main__":
    screenshots(Path(sys.argv[1]), sys.argv[2])
