"""What all tests share: a fork server for PADOCC's workers, a page in the system's Chromium, and figures.

Figures that a test measured are printed at the end, also when several processes run the tests. A test tells one with
`record_property("figure", "…")`.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from padocc_dagster.pipeline.running import call
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import FORK_SERVER
from padocc_dagster.pipeline.workers import fork_server
from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.kinds import UNIT, kinds_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

TESTS = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
MILLISECONDS = 1000.0
MOSTLY_WAIT = ("test_services.py", "test_cluster.py", "test_api_faults.py")


@contextmanager
def fork_server_at(address: Path, module: str = fork_server.__name__) -> Iterator[subprocess.Popen[bytes]]:
    """A fork server, of which workers that are started within the block are asked."""
    command, before = [sys.executable, "-P", "-m", module, str(address)], os.environ.get(FORK_SERVER)
    with subprocess.Popen(command, env=clean_environment(), cwd="/", preexec_fn=dies_with_parent()) as server:
        while not address.exists():
            assert server.poll() is None
            time.sleep(0.01)
        os.environ[FORK_SERVER] = str(address)
        try:
            yield server
        finally:
            os.environ.pop(FORK_SERVER)
            os.environ.update({FORK_SERVER: before} if before else {})
            server.kill()


def no_worker() -> NoReturn:
    """Stands for `call.start` where only unit tests run."""
    raise AssertionError("a unit test started a worker of PADOCC: list its file in kinds.py")


@pytest.fixture(scope="session", autouse=True)
def workers_are_forked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workers that a test starts are forked, as in an instance on one machine. Where only unit tests run, none can be started."""
    if all(item.get_closest_marker(UNIT) for item in request.session.items):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(call, "start", no_worker)
            yield
        return
    with fork_server_at(tmp_path_factory.mktemp("forks") / "socket"):
        yield


@pytest.fixture(scope="module")
def page() -> "Iterator[Page]":
    """A page in the system's browser."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1800, "height": 900})
        page.set_default_timeout(60 * MILLISECONDS)
        yield page
        browser.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live instances and services first: they mostly wait, and several processes then end at about the same time (--no-loadscope-reorder).

    Each test is marked by what it needs (`kinds.py`).
    """
    items.sort(key=lambda item: 0 if "live" in item.path.parts else 1 if item.path.name in MOSTLY_WAIT else 2)
    for item in items:
        for kind in kinds_of(item.path.relative_to(TESTS).as_posix(), set(getattr(item, "fixturenames", ()))):
            item.add_marker(kind)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports if getattr(report, "when", "") == "call"]
    figures = [value for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("measured")
        for figure in figures:
            terminalreporter.write_line(figure)
    if faults := [row for report in reports for name, rows in report.user_properties if name == "faults" for row in rows]:
        from padocc_dagster_tests.slurm.live.faults import table

        terminalreporter.section("faults")
        for line in table(faults):
            terminalreporter.write_line(line)
