"""Projects that change their group, as Dagster sees it: keys and history follow, nothing runs again, and an interruption is repaired."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from padocc_dagster.definitions import defs
from padocc_dagster.actions import settle
from padocc_dagster.cli import app
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.files import write_lines
from padocc_dagster.pipeline.groups import list_groups, project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.steps.step import By
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED
from padocc_dagster_tests.pipeline.interrupting import interrupted_at
from padocc_dagster_tests.pipeline.projects import initialised, spec
from padocc_dagster_tests.pipeline.reads import counted_reads

WHO = {"who": "ada", "why": "they belong together"}
PHASES = ("scan", "compute", "validate", "complete")


class Place:
    """Groups A (p: published; q: scan failed; r: new) and B (s), and an instance that knows them and their history."""

    def __init__(self, root: Path, instance: dg.DagsterInstance):
        self.workdir, self.instance, self.cursor = Workdir(root.resolve() / "work"), instance, None
        (root / "x.nc").write_bytes(b"x")
        for group, codes in (("A", "pqr"), ("B", "s")):
            initialised(self.workdir, group, *(spec(code, [str(root / "x.nc")], str(root / "*.nc")) for code in codes))
            add_projects(instance, group, codes)
        for phase in PHASES:
            append_row(self.workdir.status_log(Project("A", "p")), phase, "Success")
        append_row(self.workdir.status_log(Project("A", "q")), "scan", "Failed-KeyError")

    def run(self, job: str, **config: Any) -> dg.ExecuteInProcessResult:
        definition = defs.resolve_job_def(job)
        (op,) = definition.graph.node_dict
        return definition.execute_in_process(
            instance=self.instance,
            resources={"padocc": Padocc(root=str(self.workdir.root))},
            run_config={"ops": {op: {"config": {**WHO, **config}}}},
            raise_on_error=False,
        )

    def keys(self) -> set[str]:
        return set(self.instance.get_dynamic_partitions("projects"))

    def on_disk(self) -> set[str]:
        return {f"{group}:{code}" for group in list_groups(self.workdir) for code in project_codes(self.workdir, group)}

    def known(self, asset: str) -> set[str]:
        return set(self.instance.get_materialized_partitions(dg.AssetKey(asset)))

    def tick(self) -> set[tuple[str, str]]:
        """What automation asks for."""
        result = dg.evaluate_automation_conditions(defs=defs, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        names = ("scan_report", "cloud_product", "validation_report", "completed_product")
        return {(name, key) for name in names for key in result.get_requested_partitions(dg.AssetKey(name))}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("WORKDIR", str(tmp_path.resolve() / "work"))
    with dg.instance_for_test() as instance:
        yield Place(tmp_path, instance)


def test_a_transferred_project_brings_what_stands_of_it_and_nothing_runs_again(place: Place) -> None:
    place.tick()
    result = place.run("transfer_projects", projects=["A:p", "A:q"], to="B")
    assert result.success and FOLLOWED in place.instance.get_run_by_id(result.run_id).tags
    assert place.keys() == {"A:r", "B:s", "B:p", "B:q"} == place.on_disk()
    assert {"B:p", "B:q"} <= place.known("project")
    for asset in ("scan_report", "cloud_product", "validation_report", "completed_product"):
        assert place.known(asset) == {"B:p"}
    assert not [request for request in place.tick() if request[1] in ("B:p", "B:q")]
    assert place.tick() == set()


@pytest.mark.parametrize("where", ["add_projects", "announce_standing", "first deletion", "second deletion"])
def test_a_step_that_dies_before_dagster_knows_is_repaired_by_asking_again(
    where: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, left = place.instance.delete_dynamic_partition, ["first deletion", "second deletion"]

    def deleting(*arguments: str) -> None:
        if left.pop(0) == where:
            raise RuntimeError("killed")
        delete(*arguments)

    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        if where == "add_projects":
            broken.setattr(settle, "add_projects", dies)
        elif where == "announce_standing":
            broken.setattr("padocc_dagster.actions.standing.announce_standing", dies)
        else:
            broken.setattr(place.instance, "delete_dynamic_partition", deleting)
        assert not place.run("merge_groups", merged="A", into="B").success
    assert place.run("merge_groups", merged="A", into="B").success
    assert place.keys() == {"B:s", "B:p", "B:q", "B:r"} == place.on_disk()
    assert place.instance.get_dynamic_partitions("groups") == ["B"]
    assert place.known("completed_product") == {"B:p"} and {"B:p", "B:q", "B:r"} <= place.known("project")


def test_a_step_killed_in_the_middle_is_finished_by_a_job_of_its_own(place: Place) -> None:
    step = lambda: moves.transfer(place.workdir, Choice(("A:p", "A:q")), "B", By("ada", "why"))  # noqa: E731
    assert interrupted_at(9, place.workdir.root, step)
    assert place.keys() == {"A:p", "A:q", "A:r", "B:s"}
    job = defs.resolve_job_def("finish_interrupted_steps")
    assert job.execute_in_process(instance=place.instance, resources={"padocc": Padocc(root=str(place.workdir.root))}).success
    assert place.keys() == {"A:r", "B:s", "B:p", "B:q"} == place.on_disk()
    assert place.known("completed_product") == {"B:p"}


def test_what_stops_a_step_is_told_and_the_step_goes_on_when_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("padocc_dagster.pipeline.moving.carrying._move", full)
        failed = place.run("transfer_projects", projects=["A:p"], to="B")
    (event,) = [event for event in failed.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data.description
    assert "No space left on device" in told and "ask for the same again" in told
    assert "A:p" in place.on_disk() and "B:p" not in place.on_disk()
    assert place.run("transfer_projects", projects=["A:p"], to="B").success
    assert place.keys() == {"A:q", "A:r", "B:s", "B:p"} == place.on_disk()


def test_a_split_makes_the_new_group_known(place: Place) -> None:
    assert place.run("split_group", projects=["A:q"], into="C").success
    assert set(place.instance.get_dynamic_partitions("groups")) == {"A", "B", "C"}
    assert place.keys() == {"A:p", "A:r", "B:s", "C:q"} == place.on_disk()


def test_what_is_removed_is_no_partition_and_comes_back_with_what_stood(place: Place) -> None:
    assert place.run("remove_projects", projects=["A:p"], keep_files=True).success
    assert place.run("remove_projects", projects=["A:q"]).success
    assert place.keys() == {"A:r", "B:s"} == place.on_disk()
    assert place.run("remove_projects", projects=["A:q"]).success
    assert place.run("add_back_projects", projects=["A:p"]).success
    assert place.keys() == {"A:p", "A:r", "B:s"} == place.on_disk()
    assert place.known("completed_product") == {"A:p"}


def test_telling_dagster_of_many_removals_reads_a_groups_history_a_few_times(place: Place) -> None:
    codes = [f"p{number}" for number in range(100)]
    write_lines(place.workdir.main_list("C"), codes)
    moves.remove(place.workdir, Choice(("C:*",)), By("ada", "why"))
    add_projects(place.instance, "C", codes)
    place.instance.add_dynamic_partitions("groups", ["/", "../B"])
    with counted_reads() as reads:
        job = defs.resolve_job_def("finish_interrupted_steps")
        assert job.execute_in_process(instance=place.instance, resources={"padocc": Padocc(root=str(place.workdir.root))}).success
    assert place.keys() == place.on_disk() and reads["C/padocc_dagster/events.jsonl"] < 5
    assert {"/", "../B"} <= set(place.instance.get_dynamic_partitions("groups"))


def test_an_added_project_is_news_and_its_chain_starts(place: Place, tmp_path: Path) -> None:
    config = tmp_path / "other-name.csv"
    config.write_text(f"n,{tmp_path}/*.nc,,\n")
    place.tick()
    result = place.run("add_projects", path=str(config), group="B")
    assert result.success and [event.partition for event in result.get_asset_materialization_events()] == ["B:n"]
    assert place.keys() == {"A:p", "A:q", "A:r", "B:s", "B:n"} == place.on_disk()
    assert place.tick() == {("scan_report", "B:n")}
    assert not place.run("add_projects", path=str(config), group="B").get_asset_materialization_events()


def test_the_commands_say_what_they_did_and_what_they_refuse(place: Place) -> None:
    def command(*arguments: str) -> Any:
        root = str(place.workdir.root)
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "-w", root, "--why", "they belong together", "--who", "ada"])

    planned = command("transfer", "A:p", "--to", "B", "--dry-run")
    assert "B:p: transferred from A to B" in planned.stdout and "dry run" in planned.stdout and "A:p" in place.on_disk()
    assert command("transfer", "A:p", "--to", "B").exit_code == 0 and "B:p" in place.on_disk()
    refused = command("merge", "A", "--into", "Z")
    assert refused.exit_code == 1 and "there is no group 'Z'" in refused.stderr
    assert command("split", "A:q", "A:r", "--into", "C").exit_code == 0
    assert command("remove", "C:q", "--keep-files").exit_code == 0 and command("add", "C:q").exit_code == 0
    assert place.on_disk() == {"B:p", "B:s", "C:q", "C:r"}
