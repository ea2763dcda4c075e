"""Projects that change their group: on disk, as partitions and in their history; nothing runs again, interruptions are finished."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.adding import ADD, ADD_BACK
from padocc_dagster.actions.jobs import finish_interrupted_steps
from padocc_dagster.actions.moves import MERGE, REMOVE, SPLIT, TRANSFER
from padocc_dagster.conductor.memory import Memory
from padocc_dagster.conductor.sync import to_report
from padocc_dagster.conductor.tick import tick
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import Added, Moved, Removed
from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import DUE
from padocc_dagster_tests.actions.results import every_file, failure, problems, refusal, run, take
from padocc_dagster_tests.pipeline.interrupting import interrupted_at
from padocc_dagster_tests.pipeline.projects import initialised, spec

PHASES = ("scan", "compute", "validate", "complete")


class Place:
    """Groups A (p: published; q: scan failed; r: new) and B (s), and an instance that knows them."""

    def __init__(self, root: Path, instance: dg.DagsterInstance):
        self.workdir, self.instance = Workdir(root.resolve() / "work"), instance
        self.memory = Memory(Standings(self.workdir))
        (root / "x.nc").write_bytes(b"x")
        for group, codes in (("A", "pqr"), ("B", "s")):
            initialised(self.workdir, group, *(spec(code, [str(root / "x.nc")], str(root / "*.nc")) for code in codes))
            add_projects(instance, group, codes)
        for phase in PHASES:
            append_row(self.workdir.status_log(Project("A", "p")), phase, "Success")
        append_row(self.workdir.status_log(Project("A", "q")), "scan", "Failed-KeyError")

    def keys(self) -> set[str]:
        return set(self.instance.get_dynamic_partitions("projects"))

    def on_disk(self) -> set[str]:
        return {f"{group}:{code}" for group in list_groups(self.workdir) for code in project_codes(self.workdir, group)}

    def phases(self, key: str) -> list[str]:
        return [row.phase for row in read_rows(self.workdir.status_log(Project.parse(key)))]

    def tick(self) -> set[str]:
        """One tick of the conductor, whose partitions are compared anew. Returns the projects that it requests a run for."""
        self.memory.keys_read = float("-inf")
        context: Any = SimpleNamespace(instance=self.instance, log=logging.getLogger("moves"))
        found, _ = tick(context, self.memory, 0.0)
        return {request.partition_key for request in found if DUE in request.tags and request.partition_key}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with dg.instance_for_test() as instance:
        yield Place(tmp_path, instance)


def test_a_transferred_project_brings_all_of_it_and_nothing_runs_again(place: Place) -> None:
    assert place.tick() == {"A:r", "B:s"}
    result = take(place.workdir, TRANSFER, projects=["A:p", "A:q"], to="B")
    assert not result.not_done and place.on_disk() == {"A:r", "B:s", "B:p", "B:q"}
    assert place.tick() == {"A:r", "B:s"}
    assert place.keys() == place.on_disk()
    assert place.phases("B:p") == ["init", *PHASES] and place.phases("B:q") == ["init", "scan"]
    (step,) = history_of(place.workdir, Project("B", "p"))
    assert isinstance(step, Moved) and (step.who, step.source, step.target) == ("Ann", "A", "B")
    reported = list(to_report(place.instance, place.workdir, [Project("B", "p")], ""))
    shown = [each.asset_key.to_user_string() for each in reported if isinstance(each, dg.AssetMaterialization)]
    assert shown == ["project", "scan_report", "cloud_product", "validation_report", "completed_product"]
    assert [each.description for each in reported if isinstance(each, dg.AssetObservation)] == ["transferred from A to B (Ann: a remedy)"]


def test_a_new_group_is_managed_and_its_projects_go_on(place: Place) -> None:
    take(place.workdir, SPLIT, projects=["A:q", "A:r"], into="C")
    assert is_managed(place.workdir, "C") and is_managed(place.workdir, "A")
    assert "C:r" in place.tick()
    assert set(place.instance.get_dynamic_partitions("groups")) == {"A", "B", "C"}
    assert place.keys() == {"A:p", "B:s", "C:q", "C:r"} == place.on_disk()


def test_a_merged_group_is_none_afterwards(place: Place) -> None:
    take(place.workdir, MERGE, merged="A", into="B")
    place.tick()
    assert place.keys() == {"B:s", "B:p", "B:q", "B:r"} == place.on_disk()
    assert place.instance.get_dynamic_partitions("groups") == ["B"] and is_managed(place.workdir, "B")


def test_a_step_killed_in_the_middle_is_finished_by_a_job_of_its_own(place: Place) -> None:
    step = lambda: moves.transfer(place.workdir, Choice(("A:p", "A:q")), "B", By("ada", "why"))  # noqa: E731
    assert interrupted_at(9, place.workdir.root, step)
    assert finish_interrupted_steps.execute_in_process(resources={"padocc": Padocc(root=str(place.workdir.root))}).success
    place.tick()
    assert place.keys() == {"A:r", "B:s", "B:p", "B:q"} == place.on_disk()


def test_what_stops_a_step_is_reported_and_the_step_goes_on_when_it_is_repeated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("padocc_dagster.pipeline.moving.carrying._move", full)
        failed = run(place.instance, place.workdir, TRANSFER, projects=["A:p"], to="B")
    sentence = str(failure(failed).description)
    assert "No space left on device" in sentence and "repeat the step" in sentence
    assert "A:p" in place.on_disk() and "B:p" not in place.on_disk()
    assert run(place.instance, place.workdir, TRANSFER, projects=["A:p"], to="B").success
    assert place.on_disk() == {"A:q", "A:r", "B:s", "B:p"}


def test_what_is_removed_is_no_partition_and_comes_back_as_it_was(place: Place) -> None:
    take(place.workdir, REMOVE, projects=["A:p"], keep_files=True)
    take(place.workdir, REMOVE, projects=["A:q"])
    place.tick()
    assert place.keys() == {"A:r", "B:s"} == place.on_disk()
    assert [type(step) for step in history_of(place.workdir, Project("A", "q"))] == [Removed]
    take(place.workdir, REMOVE, projects=["A:q"])
    take(place.workdir, ADD_BACK, projects=["A:p"])
    place.tick()
    assert place.keys() == {"A:p", "A:r", "B:s"} == place.on_disk()
    assert place.phases("A:p") == ["init", *PHASES]
    assert [type(step) for step in history_of(place.workdir, Project("A", "p"))] == [Removed, Added]


def test_an_added_project_is_due_for_a_scan_and_is_added_once(place: Place, tmp_path: Path) -> None:
    config = tmp_path / "other-name.csv"
    config.write_text(f"n,{tmp_path}/*.nc,,\n")
    result = take(place.workdir, ADD, path=str(config), group="B")
    assert list(result.done) == [Project("B", "n")]
    assert place.on_disk() == {"A:p", "A:q", "A:r", "B:s", "B:n"}
    assert "B:n" in place.tick() and place.keys() == place.on_disk()
    (step,) = history_of(place.workdir, Project("B", "n"))
    assert isinstance(step, Added) and (step.who, step.why) == ("Ann", "a remedy")
    take(place.workdir, ADD, path=str(config), group="B")
    assert place.phases("B:n") == ["init"] and len(history_of(place.workdir, Project("B", "n"))) == 1


def test_what_is_added_wrongly_is_refused_with_every_problem(place: Place, tmp_path: Path) -> None:
    config = tmp_path / "bad.csv"
    config.write_text(f"a;b,{tmp_path}/*.nc,,\nn,{tmp_path}/none_*.nc,,\n")
    sentence = refusal(place.workdir, ADD, path=str(config), group="B")
    assert "a;b" in sentence and "none_*.nc" in sentence
    assert "A:none" in refusal(place.workdir, ADD_BACK, projects=["A:none", "A:p"])
    assert "'none'" in refusal(place.workdir, ADD_BACK, projects=["none"])


@pytest.mark.parametrize(
    ("step", "config"),
    [
        (TRANSFER, {"projects": ["A:p"], "to": "B"}),
        (SPLIT, {"projects": ["A:p"], "into": "C"}),
        (MERGE, {"merged": "A", "into": "B"}),
        (REMOVE, {"projects": ["A:p"]}),
    ],
    ids=lambda value: getattr(value, "job", ""),
)
def test_a_dry_run_shows_what_would_be_done_and_changes_nothing(place: Place, step: Any, config: dict[str, Any]) -> None:
    before = every_file(place.workdir)
    assert take(place.workdir, step, **config, dry_run=True).done
    assert every_file(place.workdir) == before


def test_nothing_is_moved_while_one_of_the_projects_is_at_work(place: Place) -> None:
    with held(place.workdir.project_lock(Project("A", "p")), "somebody"):
        for step, config in ((REMOVE, {}), (TRANSFER, {"to": "B"}), (SPLIT, {"into": "C"})):
            assert "project A:p" in refusal(place.workdir, step, projects=["A:p", "A:q"], **config)
        result = run(place.instance, place.workdir, MERGE, merged="A", into="B")
    assert not result.success and any("project A:p" in problem for problem in problems(result))
    assert place.on_disk() == {"A:p", "A:q", "A:r", "B:s"}
