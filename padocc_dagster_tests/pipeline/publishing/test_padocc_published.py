"""Products that PADOCC's own `complete` published, with local and with remote links: watched, compared, audited."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.watch.audit import audited
from padocc_dagster.pipeline.watch.findings import Result
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.projects import Made, copy, make

COMPLETE = """
import os, sys
from padocc.groups import GroupOperation
workdir, target = sys.argv[1:]
os.makedirs(f"{target}/reports")
for thorough in (False, True):  # thorough: with links to https://dap.ceda.ac.uk/
    GroupOperation("grp", workdir)["proj"].complete_project(target, thorough=thorough)
"""


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with a CFA aggregation beside its references, completed by PADOCC."""
    made = make(tmp_path_factory.mktemp("completed"), Series(lat=12, lon=12), cfa=True)
    made.through("scan", "compute")
    assert made.verified()["passed"]
    made.through("validate")
    command = [sys.executable, "-P", "-c", COMPLETE, str(made.workdir.root), str(made.workdir.completed)]
    subprocess.run(command, check=True, capture_output=True, env=clean_environment(), cwd="/")
    return made


@pytest.fixture
def made(completed: Made, tmp_path: Path) -> Made:
    made = copy(completed, tmp_path)
    for path in (made.workdir.completed / "data").glob("*.nca"):  # the copied ones hold the paths of the first
        path.unlink()
    shutil.rmtree(made.workdir.completed / ".sources", ignore_errors=True)
    return made


def results(made: Made, thorough: bool = False) -> dict[str, Result]:
    return {finding.look.published.revision: finding.result for finding in audited(made.workdir, "grp", thorough).findings}


def test_every_product_is_found_and_equals_its_sources_whatever_its_links_lead_to(completed: Made) -> None:
    found = audited(completed.workdir, thorough=True)
    assert [each.look.published.revision for each in found.findings] == ["c1.0", "cr1.0", "k1.0", "kr1.0"]
    assert [each.problems for each in found.findings] == [()] * 4
    assert found.is_good and not found.not_found and len(found.first_seen) == 4


def test_a_source_that_changes_after_the_first_look_is_found(made: Made) -> None:
    assert results(made) == {"k1.0": Result.UNCHANGED, "kr1.0": Result.UNCHANGED}
    sources.rewritten(made.sources[1], made.sources[2])
    assert results(made) == {"k1.0": Result.DIFFERS, "kr1.0": Result.DIFFERS}


def test_a_source_that_changed_before_the_first_look_is_found_by_a_thorough_audit(made: Made) -> None:
    sources.rewritten(made.sources[1], made.sources[2])
    assert results(made) == {"k1.0": Result.UNCHANGED, "kr1.0": Result.UNCHANGED}
    assert results(made, thorough=True) == {"k1.0": Result.DIFFERS, "kr1.0": Result.DIFFERS}


def test_a_project_completed_elsewhere_is_named(made: Made) -> None:
    for path in (made.workdir.completed / "data").iterdir():
        path.unlink()
    append_row(made.workdir.status_log(made.project), "complete", "Success")
    found = audited(made.workdir)
    assert found.not_found == (made.project,) and found.is_good
