"""How long pages of Dagster take in a real browser, from the request until what a person looks for is shown."""

import time
from collections.abc import Mapping

from playwright.sync_api import Error, sync_playwright

from padocc_dagster_tests.conftest import ARGUMENTS, CHROMIUM

PATIENCE_MS = 120_000


def load_seconds(url: str, pages: Mapping[str, tuple[str, str]], screenshots: str = "") -> dict[str, list[float]]:
    """Seconds of each page, first with an empty cache of the browser, then again, twice.

    `pages` is the name of each → its path, and a selector of what must be visible.
    """
    found: dict[str, list[float]] = {name: [] for name in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            for name, (path, selector) in pages.items():
                context = browser.new_context(viewport={"width": 1600, "height": 1000})
                for _ in range(3):
                    page = context.new_page()
                    began = time.monotonic()
                    page.goto(f"{url}{path}", wait_until="commit")
                    try:
                        page.locator(selector).first.wait_for(timeout=PATIENCE_MS)
                        found[name].append(round(time.monotonic() - began, 2))
                    except Error:  # a page that is never shown is a result, too
                        found[name].append(float("inf"))
                    if screenshots:
                        page.screenshot(path=f"{screenshots}/{name.replace(' ', '-')}.png")
                    page.close()
                context.close()
        finally:
            browser.close()
    return found
