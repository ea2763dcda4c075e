"""Ten thousand records of a real API, as they become checked projects: how long it takes, and how much memory."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster_tests.selection.stac import cmip6
from padocc_dagster_tests.selection.stac.proxy import faulty
from padocc_dagster_tests.selection.stac.records import DAP, Archive
from padocc_dagster_tests.selection.stac.server import StacServer

COUNT = 10_000
SECONDS, MEGABYTES = 120, 500
SCRIPT = """
import re, sys, time
from pathlib import Path
from padocc_dagster.selection import read_group_config
begin = time.monotonic()
config = read_group_config(Path(sys.argv[1]))
files = sum(len(project.files) for project in config.projects)
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])  # not of who started this, as getrusage has it
print(len(config.projects), files, time.monotonic() - begin, peak / 1024)
"""


@pytest.fixture(scope="module")
def many(stac: StacServer, archive: Archive) -> StacServer:
    stac.clear()
    stac.load([cmip6.collection()], cmip6.many(archive, COUNT))
    return stac


@pytest.mark.parametrize(("count", "publish"), [(COUNT, False), (COUNT // 10, True)], ids=["all", "some, with items to publish"])
def test_ten_thousand_items_become_checked_projects_page_by_page_within_two_minutes_and_500_mb(
    many: StacServer, archive: Archive, tmp_path: Path, count: int, publish: bool, record_property: Callable[[str, object], None]
) -> None:
    with faulty(many.url) as counting:
        config = tmp_path / "many.yaml"
        rules = f"paths: {{{DAP}: {archive.root}}}, publish_items: {str(publish).lower()}, max_items: {count}"
        config.write_text(f"stac: {{catalogue: {counting.url}, collections: [cmip6], {rules}}}")
        told = subprocess.run([sys.executable, "-c", SCRIPT, str(config)], capture_output=True, text=True, check=True).stdout.split()
        pages = counting.requests["/search"]
    projects, files, seconds, megabytes = int(told[0]), int(told[1]), float(told[2]), float(told[3])
    assert (projects, files) == (count, count) and pages >= count / 200
    what = f"{count} items to be published again" if publish else f"{count} items"
    record_property("figure", f"{what}: selected and checked in {seconds:.0f} s, {megabytes:.0f} MB, {pages} pages")
    assert seconds < SECONDS and megabytes < MEGABYTES
