"""Automation in the real chain beside somebody who works with plain PADOCC: what the files say has the last word."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.automation import automation_sensor
from padocc_dagster.definitions import defs
from padocc_dagster.pipeline.files import write_lines, write_text
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED

CODES = ("fresh", "scanned", "failed", "computed", "given_up", "pending")
ENDS = {
    "fresh": [("init", "Success")],
    "scanned": [("init", "Success"), ("scan", "Success")],
    "failed": [("init", "Success"), ("scan", "Success"), ("compute", "Failed-KeyError")],
    "computed": [("init", "Success"), ("scan", "Success"), ("compute", "Success")],
    "given_up": [("init", "Success")],
    "pending": [("init", "Success"), ("scan", "Success"), ("compute", "Pending")],
}


@dg.op(out=dg.Out(dg.Nothing))
def tell(context: dg.OpExecutionContext, padocc: Padocc) -> None:
    announce_standing(context, padocc.workdir, [Project("g", code) for code in CODES])


@dg.job(tags={FOLLOWED: "yes"})
def telling() -> None:
    tell()


class Beside:
    """An instance that was told of the group `g`, looked at tick by tick as its sensor does in the code server."""

    def __init__(self, workdir: Workdir, instance: dg.DagsterInstance) -> None:
        self.workdir, self.instance, self.cursor = workdir, instance, None

    def tick(self) -> set[tuple[str, str]]:
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, repository_def=defs.get_repository_def())
        found: Any = automation_sensor(context)
        self.cursor = found.cursor
        return {(asset.to_user_string(), request.partition_key) for request in found.run_requests for asset in request.asset_selection}

    def plain(self, code: str, phase: str, status: str = "Success") -> None:
        append_row(self.workdir.status_log(Project("g", code)), phase, status)


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beside]:
    workdir = Workdir(tmp_path / "work")
    monkeypatch.setenv("WORKDIR", str(workdir.root))
    write_lines(workdir.main_list("g"), list(CODES))
    write_text(workdir.faultlist("g"), "given_up,broken")
    for code, ends in ENDS.items():
        write_lines(workdir.status_log(Project("g", code)), [f"{phase},{status},10:00 01/01/26," for phase, status in ends])
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("projects", [f"g:{code}" for code in CODES])
        telling.execute_in_process(instance=instance, resources={"padocc": Padocc(root=str(workdir.root))})
        yield Beside(workdir, instance)


def test_only_what_is_due_starts_and_only_once(beside: Beside) -> None:
    assert beside.tick() == {("scan_report", "g:fresh"), ("cloud_product", "g:scanned")}
    assert beside.tick() == set()


def test_a_phase_done_or_failed_by_plain_padocc_between_two_ticks_is_not_repeated(beside: Beside) -> None:
    beside.plain("fresh", "scan")
    beside.plain("scanned", "compute", "Failed-KeyError")
    assert beside.tick() == set()


def test_a_project_initialised_anew_by_plain_padocc_is_due_again(beside: Beside) -> None:
    beside.tick()
    beside.plain("failed", "init")
    materialise(beside, "project", "g:failed")
    assert beside.tick() == {("scan_report", "g:failed")}


def test_a_project_taken_off_the_faultlist_goes_on(beside: Beside) -> None:
    beside.tick()
    beside.workdir.faultlist("g").unlink()
    assert beside.tick() == {("scan_report", "g:given_up")}


def test_behind_a_product_that_nobody_compared_nothing_starts(beside: Beside) -> None:
    beside.tick()
    assert ("validation_report", "g:computed") not in beside.tick()


def materialise(beside: Beside, asset: str, key: str) -> None:
    """A run of somebody that materialises the asset."""

    @dg.op(out=dg.Out(dg.Nothing))
    def log(context: dg.OpExecutionContext) -> None:
        context.log_event(dg.AssetMaterialization(asset, partition=key))

    @dg.job
    def logging() -> None:
        log()

    logging.execute_in_process(instance=beside.instance)
