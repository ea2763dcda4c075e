"""Unattended rules: off by default, bounded, visible, done once, and never against a person's or SHEPARD's word."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.definitions import defs
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.due import due_projects
from padocc_dagster.pipeline.events import history_of
from padocc_dagster.pipeline.files import write_json, write_lines
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.pipeline.steps import rules as rules_of_steps
from padocc_dagster.pipeline.steps.rules import Rules, changed_rules, read_rules, rules_file, set_rules, write_rules
from padocc_dagster.pipeline.steps.step import By, StepRefused
from padocc_dagster.sensors.rules import rules

A = Project("g", "a")
GIVEN: dict[str, Any] = {"repository_def": defs.get_repository_def(), "resources": dict(defs.resources)}


class Ruled:
    """A group `g` of one scanned project, in an instance."""

    def __init__(self, workdir: Workdir, instance: dg.DagsterInstance) -> None:
        self.workdir, self.instance = workdir, instance
        write_lines(workdir.main_list("g"), ["a"])
        self.rows(("init", "Success"), ("scan", "Success"))
        self.config()
        add_projects(instance, "g", "a")

    def rows(self, *ends: tuple[str, str]) -> None:
        for phase, status in ends:
            append_row(self.workdir.status_log(A), phase, status)

    def config(self, cloud_format: str = "kerchunk", aggregator: str | None = None) -> None:
        options = {"padocc_dagster": {"options": {"aggregator": aggregator}}}
        write_json(self.workdir.base_cfg(A), {"proj_code": "a", "override": {"cloud_type": cloud_format}, "version_no": "1.0", **options})

    def rule(self, **settings: str) -> None:
        write_rules(self.workdir, "g", changed_rules(read_rules(self.workdir, "g"), settings), By("ann", "a test"))

    def asked(self) -> list[Any]:
        with dg.build_sensor_context(self.instance, **GIVEN) as context:
            found: Any = rules(context)
        return found.run_requests

    def carried_out(self) -> dict[str, Any]:
        (request,) = self.asked()
        job = defs.resolve_job_def(request.job_name)
        assert job.execute_in_process(instance=self.instance, run_config=request.run_config, tags=request.tags).success
        (op,) = request.run_config["ops"].values()
        return op["config"]


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ruled]:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    with dg.instance_for_test() as instance:
        yield Ruled(Workdir(tmp_path / "work"), instance)


def test_without_rules_nothing_is_done(ruled: Ruled) -> None:
    ruled.rows(*[("compute", "Failed-ValueError")] * 9)
    assert read_rules(ruled.workdir, "g") == Rules()
    assert ruled.asked() == []


def test_the_aggregator_not_tried_is_tried_once_and_then_the_format_allowed(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true", formats="zarr")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.carried_out()["aggregator"] == "K"
    assert ruled.asked() == []
    ruled.config(aggregator="K")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.carried_out()["cloud_format"] == "zarr"
    ruled.config(cloud_format="zarr", aggregator="K")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.asked() == []
    assert [entry.who for entry in history_of(ruled.workdir, A)] == ["rules of g"] * 2


@pytest.mark.parametrize("status", ["Failed-FileNotFoundError", "Failed-SIGKILL", "Failed-SourceNotFoundError"])
def test_a_failure_that_another_aggregator_does_not_change_is_left_alone(ruled: Ruled, status: str) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true", formats="zarr")
    ruled.rows(("compute", status))
    assert ruled.asked() == []


def test_chunks_that_kerchunk_cannot_say_go_to_zarr_at_once_where_that_is_allowed(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "Failed-ConcatFatalError"))
    assert ruled.asked() == []
    ruled.rule(formats="zarr")
    assert ruled.carried_out()["cloud_format"] == "zarr"


def test_plain_padoccs_own_attempts_count(ruled: Ruled) -> None:
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "(V)Failed-ValueError"))
    assert ruled.carried_out()["aggregator"] == "K"


def test_after_so_many_attempts_a_project_is_given_up_with_the_reason(ruled: Ruled) -> None:
    ruled.rule(quarantine_after="2")
    ruled.rows(("scan", "Failed-KeyError"), ("init", "Success"), ("scan", "Failed-KeyError"))
    assert ruled.asked() == []
    ruled.rows(("scan", "Failed-KeyError"))
    ruled.carried_out()
    assert "quarantined after 2 attempts" in faultlist(ruled.workdir, "g")["a"]
    assert "rules of g" in faultlist(ruled.workdir, "g")["a"]
    assert ruled.asked() == []


def test_shepards_shpignore_keeps_the_rules_away(ruled: Ruled) -> None:
    ruled.rule(quarantine_after="1")
    ruled.rows(("compute", "Failed-KeyError"))
    (ruled.workdir.group_dir("g") / ".shpignore").touch()
    assert ruled.asked() == []


@pytest.mark.parametrize(
    ("status", "let_through"),
    [("(V>K)Warn-bypassed", True), ("Success", True), ("Warn-ticked by ann: fine", True), ("(K)Warn-global_x_missing", False)],
)
def test_only_named_warnings_are_published_unattended(ruled: Ruled, status: str, let_through: bool) -> None:
    ruled.rows(("compute", "Success"), ("validate", status))
    write_json(ruled.workdir.comparison(A), {"passed": True})
    assert due_projects(ruled.workdir, ["g:a"], "complete") == {"g:a"}
    ruled.rule(complete_on_warnings="bypassed")
    assert due_projects(ruled.workdir, ["g:a"], "complete") == ({"g:a"} if let_through else set())


def test_no_warning_at_all_may_be_let_through(ruled: Ruled) -> None:
    ruled.rule(complete_on_warnings="none")
    assert read_rules(ruled.workdir, "g").complete_on_warnings == ()
    ruled.rule(complete_on_warnings="off")
    assert read_rules(ruled.workdir, "g") == Rules()


@pytest.mark.parametrize("settings", [{"nexd": "true"}, {"next_aggregator": "yes"}, {"quarantine_after": "0"}, {"formats": "CFA"}])
def test_wrong_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(StepRefused):
        changed_rules(Rules(), settings)


@pytest.mark.parametrize(
    "text",
    [
        "quarantine_after: {",
        "- quarantine_after: 1",
        "quarantine_after",
        "",
        "quarantine_afer: 1",
        "complete_on_warning: [bypassed]",
        "complete_on_warnings: [1]",
        "next_aggregator: maybe",
    ],
)
def test_rules_that_cannot_be_read_are_said_and_publish_nothing(ruled: Ruled, text: str) -> None:
    ruled.rule(quarantine_after="1")
    ruled.rows(("compute", "Success"), ("validate", "Success"))
    write_json(ruled.workdir.comparison(A), {"passed": True})
    assert due_projects(ruled.workdir, ["g:a"], "complete") == {"g:a"}
    rules_file(ruled.workdir, "g").write_text(text)
    with pytest.raises(ValueError, match="rules.yaml cannot be read as rules"):
        read_rules(ruled.workdir, "g")
    assert ruled.asked() == []
    assert due_projects(ruled.workdir, ["g:a"], "complete") == set()


def test_rules_that_nobody_may_read_are_said_and_publish_nothing(ruled: Ruled) -> None:
    ruled.rows(("compute", "Success"), ("validate", "Success"))
    write_json(ruled.workdir.comparison(A), {"passed": True})
    rules_file(ruled.workdir, "g").mkdir(parents=True)
    assert ruled.asked() == []
    assert due_projects(ruled.workdir, ["g:a"], "complete") == set()


def test_a_rule_that_is_off_in_the_file_is_off(ruled: Ruled) -> None:
    rules_file(ruled.workdir, "g").parent.mkdir(parents=True, exist_ok=True)
    rules_file(ruled.workdir, "g").write_text("next_aggregator: off\nformats: [zarr]\nset_by: ann\nset_because: x\nset_at: now")
    assert read_rules(ruled.workdir, "g") == Rules(formats=("zarr",))


def test_rules_set_by_two_people_at_once_are_all_kept(ruled: Ruled) -> None:
    settings = [{"next_aggregator": "true"}, {"formats": "zarr"}, {"quarantine_after": "3"}, {"complete_on_warnings": "bypassed"}]
    gate = threading.Barrier(len(settings))

    def by(setting: dict[str, str]) -> None:
        gate.wait()
        set_rules(ruled.workdir, "g", setting, By("ann", "a test"))

    with ThreadPoolExecutor(len(settings)) as pool, pytest.MonkeyPatch.context() as slow:
        write = rules_of_steps.write_rules
        slow.setattr(rules_of_steps, "write_rules", lambda *arguments: (threading.Event().wait(0.05), write(*arguments)))
        list(pool.map(by, settings))
    assert read_rules(ruled.workdir, "g") == Rules(True, ("zarr",), 3, ("bypassed",))


@pytest.mark.parametrize("what", ["repaired", "failed anew", "given up by a person", "moved away"])
@pytest.mark.parametrize("settings", [{"quarantine_after": "1"}, {"next_aggregator": "true"}], ids=["quarantine", "recompute"])
def test_what_was_done_to_a_project_since_the_sensor_looked_is_not_undone(ruled: Ruled, settings: dict[str, str], what: str) -> None:
    ruled.config(aggregator="V")
    ruled.rule(**settings)
    ruled.rows(("compute", "Failed-ValueError"))
    (request,) = ruled.asked()
    if what == "given up by a person":
        write_lines(ruled.workdir.faultlist("g"), ["a,by a person"])
    elif what == "moved away":
        write_lines(ruled.workdir.main_list("g"), ["b"])
    else:
        ruled.rows(("compute", "Success" if what == "repaired" else "Failed-KeyError"))
    listed = faultlist(ruled.workdir, "g")
    job = defs.resolve_job_def(request.job_name)
    result = job.execute_in_process(instance=ruled.instance, run_config=request.run_config, tags=request.tags)
    assert result.success and ruled.instance.get_backfills() == []
    assert faultlist(ruled.workdir, "g") == listed and history_of(ruled.workdir, A) == []


def test_what_was_asked_before_is_looked_up_once_a_tick(ruled: Ruled, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [f"p{number}" for number in range(30)]
    write_lines(ruled.workdir.main_list("g"), codes)
    ruled.rule(quarantine_after="1")
    for code in codes:
        append_row(ruled.workdir.status_log(Project("g", code)), "scan", "Failed-KeyError")
    storage, queries = ruled.instance.run_storage, []
    fetchall = storage.fetchall
    monkeypatch.setattr(storage, "fetchall", lambda query: queries.append(str(query)) or fetchall(query))
    assert len(ruled.asked()) == 30
    assert len([query for query in queries if "run_tags" in query]) == 1


def test_rules_are_set_by_a_job_that_says_who_and_refuses_unknown_groups(ruled: Ruled) -> None:
    def run(**config: Any) -> bool:
        asked = {"who": "ann", "why": "a test", "settings": {"quarantine_after": "3"}, **config}
        job = defs.resolve_job_def("set_rules")
        run_config = {"ops": {"set_group_rules": {"config": asked}}}
        return job.execute_in_process(instance=ruled.instance, run_config=run_config, raise_on_error=False).success

    assert not run(group="h")
    assert run(group="g", dry_run=True)
    assert read_rules(ruled.workdir, "g") == Rules()
    assert run(group="g")
    assert read_rules(ruled.workdir, "g") == Rules(quarantine_after=3)
    assert "set_by: ann" in rules_file(ruled.workdir, "g").read_text()
