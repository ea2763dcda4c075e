"""The board in Chromium: it is read, sorted and searched, and what files say stays text."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from padocc_dagster.pipeline.board import forecast_of, read_facts, write_board
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster_tests.pipeline.board.groups import WORST, many, write_group

ENDS = {
    "b": ("complete", "ok"),
    "a": ("complete", "ok"),
    "c": ("compute", "KeyError"),
    "d": ("scan", "UnreadableSourceError"),
    "e": ("scan", "UnreadableSourceError"),
}


@pytest.fixture
def opened(tmp_path: Path, page: Page) -> Callable[..., list[str]]:
    """Open the board of a group with these projects. Returns what the browser complains of."""

    def opened(ends: dict[str, tuple[str, str]], message: str = "why it stopped", width: int = 1400) -> list[str]:
        workdir, complaints = Workdir(tmp_path / "w"), []
        write_group(workdir, "g", ends, message)
        facts = read_facts(workdir, "g")
        path = write_board(workdir, "g", facts, forecast_of(workdir, "g", facts, 2, False))
        page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        return complaints

    return opened


def shown(page: Page) -> list[str]:
    """The names of the projects in the table, from top to bottom."""
    return [row.split("\t")[0] for row in page.locator("#projects tbody tr:visible").all_inner_texts()]


def test_the_table_is_sorted_and_searched(opened: Callable[..., list[str]], page: Page) -> None:
    assert opened(ENDS) == []
    assert shown(page) == list(ENDS)
    page.get_by_role("columnheader", name="project").click()
    assert shown(page) == sorted(ENDS)
    page.get_by_role("columnheader", name="size").click()
    page.get_by_role("columnheader", name="size").click()
    assert set(shown(page)[:2]) == {"a", "b"}
    page.get_by_label("search").fill("unreadable scan")
    assert set(shown(page)) == {"d", "e"} and page.get_by_role("status").inner_text() == "2 of 5"
    page.get_by_label("search").fill("")
    page.get_by_label("place").select_option("published")
    assert set(shown(page)) == {"a", "b"}


def test_projects_that_stopped_alike_are_shown_and_their_command_is_copied(opened: Callable[..., list[str]], page: Page) -> None:
    opened(ENDS)
    page.get_by_role("button", name="show").first.click()
    assert set(shown(page)) == {"d", "e"}
    page.get_by_role("button", name="copy").first.click()
    page.get_by_role("button", name="copied").wait_for()
    words = shlex.split(page.evaluate("getSelection().toString()"))
    assert words[:2] == ["padocc-dagster", "rescan"] and "--error-class" in words


def test_what_files_say_is_no_script_and_no_element(opened: Callable[..., list[str]], page: Page) -> None:
    assert opened({"a": ("compute", WORST), "b": ("scan", "x" * 3000)}, WORST) == []
    assert page.evaluate("window.pwned") is None
    assert page.locator("#projects img").count() == 0 and page.locator("script").count() == 1
    assert "<script>window.pwned = 1</script>" in page.locator("#projects").inner_text()


def test_a_script_that_came_in_nevertheless_would_not_run(opened: Callable[..., list[str]], page: Page) -> None:
    opened(ENDS)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.pwned = 1'}))")
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_the_page_fits_the_window(opened: Callable[..., list[str]], page: Page, width: int) -> None:
    opened({**ENDS, "x" * 200: ("compute", "A" * 300)}, "no spaces " + "x" * 500, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_thousands_of_projects_are_searched_while_one_types(opened: Callable[..., list[str]], page: Page) -> None:
    opened(many(3000))
    page.get_by_label("search").fill("KeyError")
    assert page.get_by_role("status").inner_text() == "273 of 3000"
    took = page.evaluate("(() => { const begin = performance.now(); filter(); return performance.now() - begin; })()")
    assert took < 500
