"""What somebody does with plain PADOCC shows up; what our own runs do is not told twice."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.actions.telling import tell_initialised
from padocc_dagster.definitions import defs
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.files import write_json, write_lines
from padocc_dagster.pipeline.finished import record_end
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Outcome, Verdict
from padocc_dagster.pipeline.outside import SETTLED_NS, changes
from padocc_dagster.pipeline.status import append_row, verdict_of
from padocc_dagster.run_tags import COMMAND_LINE, FOLLOWED
from padocc_dagster.sensors import outside as module
from padocc_dagster.sensors.outside import outside, take_note

MANY = 10_000


class Watched:
    """A working directory with the known group `g` of two scanned projects, watched tick by tick."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.workdir, self.instance, self.cursor, self.warnings = Workdir(root), instance, None, []
        for code in "ab":
            self.plain(code, "init")
            self.plain(code, "scan")
        write_lines(self.workdir.main_list("g"), ["a", "b"])
        add_projects(instance, "g", "ab")

    def plain(self, code: str, phase: str, status: str = "Success") -> None:
        append_row(self.workdir.status_log(Project("g", code)), phase, status)

    def ours(self, code: str, phase: str, status: str = "Success") -> None:
        """One of our runs ends a phase, as `attempt.py` writes it down."""
        project = Project("g", code)
        self.plain(code, phase, status)
        record_end(self.workdir, project, Outcome(phase, verdict_of(status) or Verdict.FAILED, status), "a run")

    def tick(self) -> dict[str, list[str]]:
        """What a look asks to be told, carried out."""
        with dg.build_sensor_context(self.instance, cursor=self.cursor, **GIVEN) as context:
            context.log.warning = self.warnings.append
            found: Any = outside(context)
        self.cursor = found.cursor
        if not found.run_requests:
            return {}
        (request,) = found.run_requests
        job = defs.resolve_job_def(take_note.name)
        assert job.execute_in_process(instance=self.instance, run_config=request.run_config).success
        return request.run_config["ops"]["note_what_stands"]["config"]["phases"]

    def known(self, asset: str) -> set[str]:
        return self.instance.get_materialized_partitions(dg.AssetKey(asset))


GIVEN: dict[str, Any] = {"repository_def": defs.get_repository_def(), "resources": dict(defs.resources)}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    monkeypatch.setattr("padocc_dagster.pipeline.outside.SETTLED_NS", 0)
    with dg.instance_for_test() as instance:
        watched = Watched(tmp_path / "work", instance)
        watched.tick()
        yield watched


def test_what_stands_already_is_told_once(watched: Watched) -> None:
    assert watched.known("scan_report") == {"g:a", "g:b"}
    assert watched.tick() == {}


def test_a_phase_done_by_plain_padocc_is_told(watched: Watched) -> None:
    watched.plain("a", "compute")
    assert watched.tick()["g:a"][0] == "compute"
    assert watched.known("cloud_product") == {"g:a"}
    assert watched.tick() == {}


def test_a_phase_that_failed_in_plain_padocc_is_no_news_of_its_own(watched: Watched) -> None:
    watched.plain("a", "compute", "Failed-KeyError")
    assert "compute" not in watched.tick().get("g:a", [])
    assert watched.known("cloud_product") == set()


def test_what_our_own_runs_did_is_not_told(watched: Watched) -> None:
    watched.ours("a", "compute")
    assert watched.tick() == {}


def test_what_plain_padocc_did_after_our_own_run_is_told_and_only_that(watched: Watched) -> None:
    watched.ours("a", "compute")
    watched.plain("a", "validate", "(K)Warn-x")
    assert watched.tick() == {"g:a": ["validate"]}


def test_new_projects_of_a_known_group_become_partitions_and_other_groups_are_left_alone(watched: Watched) -> None:
    watched.plain("c", "init")
    write_lines(watched.workdir.main_list("g"), ["a", "b", "c"])
    write_lines(watched.workdir.main_list("strange"), ["x"])
    assert watched.tick() == {"g:c": ["init"]}
    assert set(watched.instance.get_dynamic_partitions("projects")) == {"g:a", "g:b", "g:c"}
    assert watched.tick() == {}


def test_projects_that_vanish_are_reported_once(watched: Watched) -> None:
    write_lines(watched.workdir.main_list("g"), ["b"])
    watched.tick()
    watched.tick()
    assert [warning.split()[0] for warning in watched.warnings] == ["g:a"]


def test_a_log_written_twice_in_a_moment_is_seen_whole(tmp_path: Path) -> None:
    workdir, project = Workdir(tmp_path / "work"), Project("g", "a")
    append_row(workdir.status_log(project), "init", "Success")
    written = os.stat(workdir.status_log(project)).st_ctime_ns
    assert changes(workdir, [project], 0, written + SETTLED_NS) == []
    assert changes(workdir, [project], 0, written + SETTLED_NS + 1) == [(written, project)]
    assert changes(workdir, [project], written, written + 2 * SETTLED_NS) == []


def test_more_news_than_one_run_tells_come_one_after_another(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLD", 1)
    watched.plain("a", "compute")
    watched.plain("b", "compute")
    assert [set(watched.tick()), set(watched.tick()), watched.tick()] == [{"g:a"}, {"g:b"}, {}]


def test_a_look_at_ten_thousand_projects_takes_under_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    workdir, codes = Workdir(tmp_path / "work"), [f"p{number}" for number in range(MANY)]
    write_lines(workdir.main_list("g"), codes)
    for code in codes:
        log = workdir.status_log(Project("g", code))
        log.parent.mkdir(parents=True)
        log.write_text("init,Success,10:00 01/01/26,")
    with dg.instance_for_test() as instance:
        add_projects(instance, "g", codes)
        context = dg.build_sensor_context(instance, cursor=f'{{"since": {time.time_ns()}}}', **GIVEN)
        with context:
            begin = time.perf_counter()
            found: Any = outside(context)
            seconds = time.perf_counter() - begin
    assert found.run_requests == []
    record_property("figure", f"a look for outside progress at {MANY} projects: {seconds:.2f} s")
    assert seconds < 2


def test_a_step_that_was_interrupted_is_finished_by_a_run_of_its_own(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    step = SimpleNamespace(when=(datetime.now().astimezone() - timedelta(minutes=3)).isoformat())
    monkeypatch.setattr("padocc_dagster.sensors.left_behind.unfinished_steps", lambda workdir: [step])
    with dg.build_sensor_context(watched.instance, cursor=watched.cursor, **GIVEN) as context:
        found: Any = outside(context)
    assert [request.job_name for request in found.run_requests] == ["finish_interrupted_steps"]


def look(watched: Watched) -> list[str]:
    """The jobs that a look asks for."""
    with dg.build_sensor_context(watched.instance, cursor=watched.cursor, **GIVEN) as context:
        found: Any = outside(context)
    return [request.job_name for request in found.run_requests]


def left_untold(watched: Watched, *codes: str, seconds: float = 180.0) -> None:
    path = watched.workdir.announcements("g")
    write_json(path, {"codes": list(codes)})
    os.utime(path, (time.time() - seconds,) * 2)


def test_projects_that_a_killed_run_initialised_are_told_so_that_automation_scans_them(watched: Watched) -> None:
    watched.plain("a", "init")
    left_untold(watched, "a", "elsewhere")
    before = len(watched.instance.fetch_materializations(dg.AssetKey("project"), limit=100).records)
    assert look(watched) == [tell_initialised.name]
    assert defs.resolve_job_def(tell_initialised.name).execute_in_process(instance=watched.instance).success
    records = watched.instance.fetch_materializations(dg.AssetKey("project"), limit=100).records
    assert (len(records) - before, records[0].partition_key) == (1, "g:a")
    assert FOLLOWED not in watched.instance.get_run_by_id(records[0].run_id).tags
    assert to_announce(watched.workdir, "g") == ["elsewhere"]
    left_untold(watched, "elsewhere")
    assert look(watched) == []


def test_projects_initialised_just_now_are_left_to_the_run_that_did_it(watched: Watched) -> None:
    left_untold(watched, "a", seconds=10)
    assert look(watched) == []


@pytest.mark.parametrize("tags", [{}, COMMAND_LINE], ids=["the daemon's", "a command's"])
def test_nobody_else_tells_while_a_run_that_may_is_under_way(watched: Watched, tags: dict[str, str]) -> None:
    left_untold(watched, "a")
    create_run_for_test(watched.instance, edit_projects.name, status=dg.DagsterRunStatus.STARTED, tags=tags)
    assert look(watched) == []


def test_a_command_that_was_killed_long_ago_holds_nobody_up(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    left_untold(watched, "a")
    create_run_for_test(watched.instance, edit_projects.name, status=dg.DagsterRunStatus.STARTED, tags=COMMAND_LINE)
    monkeypatch.setattr("padocc_dagster.sensors.left_behind.COMMAND_SECONDS", 0.0)
    assert look(watched) == [tell_initialised.name]


def test_what_plain_padocc_did_to_a_project_that_is_still_to_be_told_of_is_seen(watched: Watched) -> None:
    left_untold(watched, "a", seconds=10)
    watched.plain("a", "init")
    assert watched.tick() == {}
    watched.plain("a", "scan")
    assert watched.tick() == {"g:a": ["scan"]}
