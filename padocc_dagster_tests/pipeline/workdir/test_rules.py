"""Unattended rules: off by default, bounded, visible, done once, and never against a person's or SHEPARD's word."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.rules import SET_RULES
from padocc_dagster.pipeline.running.due import due_of
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.steps.redo import request_phase
from padocc_dagster.pipeline.steps.unattended import follow_rules
from padocc_dagster.pipeline.workdir import rules as rules_of_steps
from padocc_dagster.pipeline.workdir.event_log import events_of, history_of, record
from padocc_dagster.pipeline.workdir.events import Compared, Faultlisted, PhaseRequested
from padocc_dagster.pipeline.workdir.files import write_json, write_lines
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.rules import Rules, changed_rules, read_rules, rules_file, set_rules, write_rules
from padocc_dagster.pipeline.workdir.specs import choose
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster.pipeline.workdir.step import By, StepRefused, StepResult
from padocc_dagster.runs import DUE
from padocc_dagster_tests.actions.results import problems, refusal, run, take
from padocc_dagster_tests.conductor.conducted import looking_at

A = Project("g", "a")


class Ruled:
    """A managed group `g` of one scanned project."""

    def __init__(self, workdir: Workdir) -> None:
        self.workdir = workdir
        write_lines(workdir.main_list("g"), ["a"])
        manage(workdir, "g")
        self.rows(("init", "Success"), ("scan", "Success"))
        self.config()

    def rows(self, *ends: tuple[str, str]) -> None:
        for phase, status in ends:
            append_row(self.workdir.status_log(A), phase, status)

    def config(self, cloud_format: str = "kerchunk", aggregator: str | None = None) -> None:
        write_json(self.workdir.base_cfg(A), {"proj_code": "a", "override": {"cloud_type": cloud_format}, "version_no": "1.0"})
        choose(self.workdir, A, aggregator=aggregator)

    def rule(self, **settings: str) -> None:
        write_rules(self.workdir, "g", changed_rules(read_rules(self.workdir, "g"), settings), By("ann", "a test"))

    def follow(self) -> StepResult:
        """What the rules say, done."""
        return follow_rules(self.workdir, A, read_rules(self.workdir, "g"))

    def nothing(self) -> bool:
        """Whether the rules have nothing to say."""
        before = events_of(self.workdir, A)
        return self.follow() == StepResult() and events_of(self.workdir, A) == before

    def choices(self) -> dict[str, Any]:
        """What the rules request, and the conductor then finds to be due."""
        assert list(self.follow().done) == [A]
        due = due_of(read_rows(self.workdir.status_log(A)), events_of(self.workdir, A))
        assert due and due.phase == "compute" and due.request and due.request.who == "rules of g"
        return due.request.choices

    def published_unattended(self) -> bool:
        """Whether the publication that is due is started by nobody's request."""
        standings = Standings(self.workdir)
        standings.look()
        assert (due := standings.projects[A].due) and due.phase == "complete"
        return standings.is_operable(A)


@pytest.fixture
def ruled(tmp_path: Path) -> Ruled:
    return Ruled(Workdir(tmp_path.resolve() / "work"))


def compared(ruled: Ruled, status: str) -> None:
    """The product is computed, equal to its sources and validated with this end."""
    ruled.rows(("compute", "Success"), ("validate", status))
    record(ruled.workdir, A, Compared(passed=True, product="x", row=3))


def test_without_rules_nothing_is_done(ruled: Ruled) -> None:
    ruled.rows(*[("compute", "Failed-ValueError")] * 9)
    assert read_rules(ruled.workdir, "g") == Rules()
    assert ruled.nothing()


def test_the_aggregator_not_tried_is_tried_once_and_then_the_format_allowed(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true", formats="zarr")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.choices() == {"aggregator": "K"}
    assert ruled.nothing()
    ruled.config(aggregator="K")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.choices() == {"cloud_format": "zarr"}
    ruled.config(cloud_format="zarr", aggregator="K")
    ruled.rows(("compute", "Failed-ValueError"))
    assert ruled.nothing()
    steps = history_of(ruled.workdir, A)
    assert [step.who for step in steps] == ["rules of g"] * 2
    assert steps[0].why == "compute ended with Failed-ValueError: next is aggregator K"


@pytest.mark.parametrize("status", ["Failed-FileNotFoundError", "Failed-SIGKILL", "Failed-SourceNotFoundError"])
def test_a_failure_that_another_aggregator_does_not_change_is_left_alone(ruled: Ruled, status: str) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true", formats="zarr")
    ruled.rows(("compute", status))
    assert ruled.nothing()


def test_chunks_that_kerchunk_cannot_say_go_to_zarr_at_once_where_that_is_allowed(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "Failed-ConcatFatalError"))
    assert ruled.nothing()
    ruled.rule(formats="zarr")
    assert ruled.choices() == {"cloud_format": "zarr"}


def test_plain_padoccs_own_attempts_count(ruled: Ruled) -> None:
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "(V)Failed-ValueError"))
    assert ruled.choices() == {"aggregator": "K"}


def test_after_so_many_attempts_a_project_is_given_up_with_the_reason(ruled: Ruled) -> None:
    ruled.rule(quarantine_after="2")
    ruled.rows(("scan", "Failed-KeyError"), ("init", "Success"), ("scan", "Failed-KeyError"))
    assert ruled.nothing()
    ruled.rows(("scan", "Failed-KeyError"))
    assert list(ruled.follow().done) == [A]
    assert "quarantined after 2 attempts" in faultlist(ruled.workdir, "g")["a"]
    assert "rules of g" in faultlist(ruled.workdir, "g")["a"]
    assert [type(step) for step in history_of(ruled.workdir, A)] == [Faultlisted]
    assert ruled.nothing()


def test_shepards_shpignore_keeps_the_rules_away(ruled: Ruled) -> None:
    ruled.rule(quarantine_after="1")
    ruled.rows(("compute", "Failed-KeyError"))
    (ruled.workdir.group_dir("g") / ".shpignore").touch()
    assert ruled.nothing()


@pytest.mark.parametrize(
    ("status", "let_through"),
    [("(V>K)Warn-bypassed", True), ("Success", True), ("Warn-ticked by ann: fine", True), ("(K)Warn-global_x_missing", False)],
)
def test_only_named_warnings_are_published_unattended(ruled: Ruled, status: str, let_through: bool) -> None:
    compared(ruled, status)
    assert ruled.published_unattended()
    ruled.rule(complete_on_warnings="bypassed")
    assert ruled.published_unattended() is let_through
    request_phase(ruled.workdir, [A], "complete", By("ann", "looked at it"))
    assert ruled.published_unattended()


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
def test_rules_that_cannot_be_read_are_reported_once_and_publish_nothing(ruled: Ruled, text: str) -> None:
    ruled.rule(quarantine_after="1")
    compared(ruled, "Success")
    assert ruled.published_unattended()
    rules_file(ruled.workdir, "g").write_text(text)
    with pytest.raises(ValueError, match="rules.yaml cannot be read as rules"):
        read_rules(ruled.workdir, "g")
    assert not ruled.published_unattended()
    with dg.instance_for_test() as instance:
        conducted = looking_at(ruled.workdir, instance)
        for _ in range(2):
            conducted.tick()
        assert len([line for line in conducted.logged if "rules.yaml cannot be read as rules" in line]) == 1


def test_rules_that_nobody_may_read_publish_nothing(ruled: Ruled) -> None:
    compared(ruled, "Success")
    rules_file(ruled.workdir, "g").mkdir(parents=True)
    assert not ruled.published_unattended()


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


@pytest.mark.parametrize("what", ["repaired", "given up by a person", "requested by a person", "under way"])
@pytest.mark.parametrize("settings", [{"quarantine_after": "1"}, {"next_aggregator": "true"}], ids=["quarantine", "recompute"])
def test_what_was_done_to_a_project_since_it_failed_is_not_undone(ruled: Ruled, settings: dict[str, str], what: str) -> None:
    ruled.config(aggregator="V")
    ruled.rule(**settings)
    ruled.rows(("compute", "Failed-ValueError"))
    if what == "given up by a person":
        write_lines(ruled.workdir.faultlist("g"), ["a,by a person"])
    elif what == "requested by a person":
        request_phase(ruled.workdir, [A], "scan", By("ann", "again"))
    else:
        ruled.rows(("compute", "Success" if what == "repaired" else "Pending"))
    listed = faultlist(ruled.workdir, "g")
    assert ruled.nothing() and faultlist(ruled.workdir, "g") == listed


def test_a_project_at_work_is_left_by_the_next_aggregator_and_looked_at_again(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "Failed-ValueError"))
    with held(ruled.workdir.project_lock(A), "somebody"):
        assert list(ruled.follow().not_done) == [A]
    assert ruled.choices() == {"aggregator": "K"}


def test_the_conductor_follows_the_rules_as_soon_as_a_project_fails(ruled: Ruled) -> None:
    ruled.config(aggregator="V")
    ruled.rule(next_aggregator="true")
    ruled.rows(("compute", "Failed-ValueError"))
    with dg.instance_for_test() as instance:
        conducted = looking_at(ruled.workdir, instance)
        assert conducted.due() == []  # the request is recorded, and is due from the next look on
        (request,) = conducted.due()
        assert request.partition_key == "g:a" and request.tags[DUE].startswith("g:a/compute/3/")
    assert len([event for event in events_of(ruled.workdir, A) if isinstance(event, PhaseRequested)]) == 1


def test_rules_are_set_by_a_step_that_says_who_and_refuses_unknown_groups(ruled: Ruled) -> None:
    settings = {"quarantine_after": "3"}
    assert "there is no group 'h'" in refusal(ruled.workdir, SET_RULES, group="h", settings=settings)
    sentence = refusal(ruled.workdir, SET_RULES, group="g", settings={"quarantine": "3", "formats": "CFA"})
    assert "did you mean 'quarantine_after'?" in sentence and "formats is 'CFA'" in sentence
    take(ruled.workdir, SET_RULES, group="g", settings=settings, dry_run=True)
    assert read_rules(ruled.workdir, "g") == Rules()
    result = take(ruled.workdir, SET_RULES, group="g", settings=settings)
    assert read_rules(ruled.workdir, "g") == Rules(quarantine_after=3)
    assert "quarantine_after=3" in result.notes[0] and "set_by: Ann" in rules_file(ruled.workdir, "g").read_text()
    with dg.DagsterInstance.ephemeral() as instance:
        assert problems(run(instance, ruled.workdir, SET_RULES, group="h", settings=settings)) == ["there is no group 'h': known are g"]
