"""When a group's subsets and overview are made anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.files import write_lines
from padocc_dagster.pipeline.groups import write_subsets
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.membership import ATTEMPTS, membership, refresh_group


class Watched:
    """A working directory with group `g` of one project, watched tick by tick."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.workdir, self.instance, self.cursor, self.warnings = Workdir(root), instance, None, []
        write_lines(self.workdir.main_list("g"), ["p"])
        add_projects(instance, "g", ["p"])
        self.change("scan")

    def change(self, phase: str) -> None:
        append_row(self.workdir.status_log(Project("g", "p")), phase, "Success")

    def tick(self) -> list[Any]:
        resources = {"padocc": Padocc(root=str(self.workdir.root))}
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources=resources)
        context.log.warning = self.warnings.append
        found = membership(context)
        self.cursor = found.cursor
        return found.run_requests

    def run(self, status: dg.DagsterRunStatus, request: Any) -> None:
        """A run of the request that stands where told."""
        run = self.instance.create_run_for_job(refresh_group_job(), tags=request.tags)
        if status is dg.DagsterRunStatus.FAILURE:
            self.instance.report_run_failed(run)


def refresh_group_job() -> Any:
    from padocc_dagster.definitions import defs

    return defs.resolve_job_def(refresh_group.name)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "w"))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield Watched(tmp_path / "w", instance)


def test_a_group_is_refreshed_until_the_refresh_is_done(watched: Watched) -> None:
    (request,) = watched.tick()
    assert request.partition_key == "g" and request.tags["padocc/group_writer"] == "g"
    write_subsets(watched.workdir, "g")
    assert watched.tick() == []
    watched.change("compute")
    assert len(watched.tick()) == 1


def test_a_change_while_a_refresh_waits_or_works_is_not_asked_for_twice(watched: Watched) -> None:
    watched.run(dg.DagsterRunStatus.NOT_STARTED, *watched.tick())
    watched.change("compute")
    assert watched.tick() == []


def test_a_failed_refresh_is_repeated_and_given_up_with_one_warning(watched: Watched) -> None:
    for _ in range(ATTEMPTS):
        assert not watched.warnings
        watched.run(dg.DagsterRunStatus.FAILURE, *watched.tick())
    assert watched.tick() == [] and watched.tick() == []
    (warning,) = watched.warnings
    assert "group g" in warning and "refresh_group" in warning
    watched.change("compute")
    assert len(watched.tick()) == 1


def test_a_group_that_dagster_does_not_know_is_left_alone(watched: Watched) -> None:
    write_lines(watched.workdir.main_list("other"), ["p"])
    assert [request.partition_key for request in watched.tick()] == ["g"]
