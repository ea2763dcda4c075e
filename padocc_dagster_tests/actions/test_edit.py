"""Editing what projects are made from: checked whole, initialised again, and nothing lost on the way."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import edit as action
from padocc_dagster.actions.edit import EDIT
from padocc_dagster.actions.jobs import DRY_RUN
from padocc_dagster.commands.ask import yaml_values
from padocc_dagster.pipeline.making import initialise
from padocc_dagster.pipeline.running.due import due_of
from padocc_dagster.pipeline.workdir.event_log import events_of, history_of
from padocc_dagster.pipeline.workdir.events import Edited
from padocc_dagster.pipeline.workdir.files import read_json, read_lines, write_json, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.specs import choose, spec_of, spec_to_edit, stored_spec
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster_tests.actions.results import every_file, failure, killed_at, not_done, output, problems, refusal, run, table, take
from padocc_dagster_tests.pipeline.projects import initialised, spec

MANY = 500
A, B = Project("grp", "a"), Project("grp", "b")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    """Two projects of a pattern each; their files hold no data."""
    made = Workdir(tmp_path.resolve() / "work")
    initialised(made, "grp", *(with_files(tmp_path.resolve(), code) for code in ("a", "b")))
    made.inbox.mkdir()
    return made


@pytest.fixture(autouse=True)
def without_a_worker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Initialise in this process, which costs no start of a worker, but where the time is measured."""
    if "record_property" not in request.fixturenames:
        monkeypatch.setattr(action, "initialise_group", lambda place, group, specs, **choices: initialised(place, group, *specs, **choices))


def with_files(folder: Path, code: str) -> Any:
    own = folder / "sources" / code
    own.mkdir(parents=True)
    files = [own / name for name in ("m_1.nc", "m_2.nc")]
    for file in files:
        file.write_bytes(b"not a dataset")
    return spec(code, files, pattern=f"{own}/*.nc")


def edited(workdir: Workdir, *keys: str, **config: Any) -> dict[str, str]:
    """Edit projects. Returns what was done; all of it was."""
    result = take(workdir, EDIT, projects=list(keys), **config)
    assert not result.not_done
    return {str(project): what for project, what in result.done.items()}


def due(workdir: Workdir, project: Project) -> str:
    found = due_of(read_rows(workdir.status_log(project)), events_of(workdir, project))
    return found.phase if found else ""


def test_an_edited_project_is_made_anew_and_due_for_a_scan(workdir: Workdir) -> None:
    append_row(workdir.status_log(A), "scan", "Failed-KeyError")
    changes = "updates: not set → {'title': 'New'}; cloud_format: not set → zarr; concat_dims: not set → ['time']"
    fields = {"cloud_format": "zarr", "concat_dims": ["time"], "updates.title": "New"}
    assert edited(workdir, "grp:a", set=fields) == {"grp:a": changes}
    base = read_json(workdir.base_cfg(A))
    assert (base["updates"], base["override"]["cloud_type"]) == ({"title": "New"}, "zarr")
    assert spec_of(workdir, A).options.concat_dims == ("time",)
    assert due(workdir, A) == "scan"
    (step,) = history_of(workdir, A)
    assert isinstance(step, Edited) and (step.who, step.why, step.changes) == ("Ann", "a remedy", changes)
    assert stored_spec(workdir, B).options.cloud_format == "kerchunk" and not history_of(workdir, B)


def test_a_removed_field_is_back_at_its_default(workdir: Workdir) -> None:
    edited(workdir, "grp:*", set={"variables": ["tas"], "updates": {"a": 1, "b": 2}})
    edited(workdir, "grp:*", remove=["variables", "updates.a"])
    assert (stored_spec(workdir, B).variables, stored_spec(workdir, B).updates) == ((), {"b": 2})


def test_what_a_recomputation_chose_stays_in_an_edit_of_something_else(workdir: Workdir) -> None:
    choose(workdir, A, cloud_format="zarr")
    assert edited(workdir, "grp:a", set={"compare": "all"}) == {"grp:a": "compare: not set → all"}
    assert stored_spec(workdir, A).options.cloud_format == "zarr"


def as_plain_padocc_made_it(workdir: Workdir, files: list[Path], **base: Any) -> None:
    """What is left of `grp:a` when PADOCC made it alone: no spec, in its config or with its group."""
    made = {"proj_code": "a", "version_no": "1.0", "override": {"cloud_type": "kerchunk", "file_type": "json"}}
    write_json(workdir.base_cfg(A), {**made, **base})
    write_json(workdir.detail_cfg(A), {"num_files": len(files)})
    write_text(workdir.allfiles(A), "\n".join(map(str, files)))
    workdir.spec(A).unlink(missing_ok=True)


def raw_and_mapped(tmp_path: Path, mapped: tuple[str, ...] = ("m_1.nc", "m_2.nc")) -> tuple[Path, Path, list[Path]]:
    """A folder that a pattern names, one that substitutions lead to, and the files in that."""
    raw, other = tmp_path.resolve() / "raw", tmp_path.resolve() / "mapped"
    for folder, names in ((raw, ("m_1.nc", "m_2.nc")), (other, mapped)):
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"not a dataset")
    return raw, other, [other / name for name in ("m_1.nc", "m_2.nc")]


@pytest.mark.parametrize("way", ["pattern", "file_list", "files"])
def test_substitutions_that_padocc_made_are_made_by_an_edit_too(way: str, workdir: Workdir, tmp_path: Path) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    listed = [str(raw / file.name) for file in files]
    write_text(tmp_path.resolve() / "list.txt", "\n".join(listed))
    pattern = {"pattern": f"{raw}/*.nc", "file_list": str(tmp_path.resolve() / "list.txt"), "files": listed}[way]
    as_plain_padocc_made_it(workdir, files, pattern=pattern, substitutions={"datasets": {str(raw): str(mapped)}})
    assert edited(workdir, "grp:a", set={"updates.title": "t"}) == {"grp:a": "updates: not set → {'title': 't'}"}
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))
    assert stored_spec(workdir, A).pattern == (pattern if way != "files" else "")


def test_where_the_pattern_would_find_others_now_an_edit_of_something_else_keeps_the_files(workdir: Workdir, tmp_path: Path) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path, ("m_1.nc", "m_2.nc", "m_3.nc"))
    for substitutions, pattern in (({"datasets": {str(raw): str(mapped)}}, f"{raw}/*.nc"), ({}, f"{mapped}/*.nc")):
        as_plain_padocc_made_it(workdir, files, pattern=pattern, substitutions=substitutions)
        edited(workdir, "grp:a", set={"updates.title": "t"})
        assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_substitutions_that_a_pattern_cannot_express_leave_the_list_as_it_is(workdir: Workdir, tmp_path: Path) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    substitutions = {"datasets": {f"{raw}/m_{number}.nc": str(file) for number, file in enumerate(files, 1)}}
    as_plain_padocc_made_it(workdir, files, pattern=f"{raw}/*.nc", substitutions=substitutions)
    assert stored_spec(workdir, A).files == tuple(map(str, files))
    edited(workdir, "grp:a", set={"updates.title": "t"})
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_without_a_whole_list_of_files_an_edit_is_refused_unless_it_says_which(workdir: Workdir, tmp_path: Path) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    as_plain_padocc_made_it(workdir, files, pattern=f"{raw}/*.nc", substitutions={"datasets": {str(raw): str(mapped)}})
    write_text(workdir.allfiles(A), str(files[0]))
    assert "grp:a: files is an empty list" in refusal(workdir, EDIT, projects=["grp:a"], set={"updates.title": "t"})
    edited(workdir, "grp:a", set={"files": list(map(str, files))})
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_a_config_dropped_again_wins_over_an_edit(workdir: Workdir, tmp_path: Path) -> None:
    edited(workdir, "grp:a", set={"cloud_format": "zarr"})
    sources = tmp_path.resolve() / "sources" / "a"
    again = spec("a", (sources / "m_1.nc", sources / "m_2.nc"), pattern=f"{sources}/*.nc")
    assert initialised(workdir, "grp", again)["changed"] == ["a"]
    assert stored_spec(workdir, A).options.cloud_format == "kerchunk"


def test_a_dry_run_shows_old_and_new_and_changes_nothing(workdir: Workdir) -> None:
    before = every_file(workdir)
    assert edited(workdir, "grp:a", set={"aggregator": "K"}, dry_run=True) == {"grp:a": "would change: aggregator: not set → K"}
    assert every_file(workdir) == before


def test_problems_of_all_projects_are_reported_and_nothing_is_changed(workdir: Workdir) -> None:
    (Path(stored_spec(workdir, B).pattern).parent / "m_2.nc").write_bytes(b"")
    sentence = refusal(workdir, EDIT, projects=["grp:*"], set={"cloud_format": "zarr", "aggregator": "K"})
    assert "grp:a: aggregator K has no part in the cloud format zarr" in sentence
    assert "grp:b: 1 of 2 source files" in sentence


def test_a_project_at_work_is_not_done_and_stays_as_it_was(workdir: Workdir) -> None:
    with held(workdir.project_lock(A), "somebody"):
        result = take(workdir, EDIT, projects=["grp:*"], set={"cloud_format": "zarr"})
    assert result.not_done == {A: "it is at work: edit it when that run has ended"}
    assert result.done == {B: "cloud_format: not set → zarr"}
    assert stored_spec(workdir, A).options.cloud_format == "kerchunk" and not history_of(workdir, A)


def test_a_faultlisted_project_is_edited_and_not_scanned(workdir: Workdir) -> None:
    write_text(workdir.faultlist("grp"), "a,hopeless")
    assert edited(workdir, "grp:a", set={"compare": "all"})["grp:a"].endswith("not scanned, it is on the faultlist: hopeless")
    assert stored_spec(workdir, A).options.compare == "all"


@pytest.mark.parametrize("stop", ["append_row", "write_spec", "write_lines", "configs_of", "write_datasets"])
def test_an_edit_killed_anywhere_is_finished_when_it_is_repeated(stop: str, workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    append_row(workdir.status_log(A), "scan", "Failed-KeyError")
    killed_at(monkeypatch, initialise, stop, lambda: edited(workdir, "grp:a", set={"cloud_format": "zarr"}))
    edited(workdir, "grp:a", set={"cloud_format": "zarr"})
    assert stored_spec(workdir, A).options.cloud_format == "zarr"
    assert read_json(workdir.base_cfg(A))["override"]["cloud_type"] == "zarr"
    assert due(workdir, A) == "scan"
    assert "cloud_format: not set → zarr" in {str(step) for step in history_of(workdir, A)}


def test_an_edit_of_failed_projects_that_was_killed_between_two_is_finished_when_it_is_repeated(
    workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for project in (A, B):
        append_row(workdir.status_log(project), "scan", "Failed-KeyError")
    make, left = initialise._initialise, ["one"]

    def killed(*given: Any) -> bool:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return make(*given)

    failed: dict[str, Any] = {"outcome": "failed", "set": {"cloud_format": "zarr"}}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(initialise, "_initialise", killed)
        edited(workdir, **failed)
    assert list(edited(workdir, **failed)) == ["grp:b"]
    for project in (A, B):
        assert [row.phase for row in read_rows(workdir.status_log(project))] == ["init", "scan", "init"]
        assert len(history_of(workdir, project)) == 1 and due(workdir, project) == "scan"


def test_an_edit_that_changes_nothing_is_done_and_leaves_the_project_alone(workdir: Workdir) -> None:
    edited(workdir, "grp:a", set={"cloud_format": "zarr"})
    assert edited(workdir, "grp:a", set={"cloud_format": "zarr"}) == {"grp:a": action.UNCHANGED}
    assert len(history_of(workdir, A)) == 1


class TestTheJob:
    """What a person sees of the step in Dagster."""

    def test_what_was_done_is_shown_with_what_follows(self, instance: dg.DagsterInstance, workdir: Workdir) -> None:
        result = run(instance, workdir, EDIT, projects=["grp:a"], set={"cloud_format": "zarr"})
        assert result.success and table(output(result)["done"]) == {"grp:a": "cloud_format: not set → zarr"}
        assert output(result)["note"].value == EDIT.follows

    def test_a_dry_run_says_so(self, instance: dg.DagsterInstance, workdir: Workdir) -> None:
        before = every_file(workdir)
        result = run(instance, workdir, EDIT, projects=["grp:a"], set={"cloud_format": "zarr"}, dry_run=True)
        assert result.success and output(result)["note"].value == DRY_RUN
        assert every_file(workdir) == before

    def test_a_refusal_fails_with_every_problem(self, instance: dg.DagsterInstance, workdir: Workdir) -> None:
        before = every_file(workdir)
        result = run(instance, workdir, EDIT, projects=["grp:*", "grp:c"], set={"cloud_format": "zarr"})
        assert not result.success and failure(result).description.startswith("Nothing was changed.\n")
        assert problems(result) == ["group grp has no project 'c': known are a, b"]
        result = run(instance, workdir, EDIT, projects=["grp:*"], set={"aggregator": "K", "cloud_format": "zarr"})
        assert len(problems(result)) == 2 and every_file(workdir) == before

    def test_what_was_not_done_fails_the_run_beside_what_was(self, instance: dg.DagsterInstance, workdir: Workdir) -> None:
        with held(workdir.project_lock(A), "somebody"):
            result = run(instance, workdir, EDIT, projects=["grp:*"], set={"cloud_format": "zarr"})
        assert not result.success and not_done(result) == {"grp:a": "it is at work: edit it when that run has ended"}
        assert table(failure(result).metadata["done"]) == {"grp:b": "cloud_format: not set → zarr"}
        assert "1 done, 1 not done:\ngrp:a: it is at work" in failure(result).description


def test_two_edits_at_once_are_both_kept(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    has_read, other_ended, results = threading.Event(), threading.Event(), []

    def read(*given: Any) -> Any:
        found = spec_to_edit(*given)
        if not has_read.is_set():
            has_read.set()
            other_ended.wait(1)  # which it cannot while this one is under way
        return found

    monkeypatch.setattr(action, "spec_to_edit", read)
    one = threading.Thread(target=lambda: results.append(edited(workdir, "grp:a", set={"cloud_format": "zarr"})))
    one.start()
    assert has_read.wait(20)
    edited(workdir, "grp:a", set={"updates.title": "New"})
    other_ended.set()
    one.join()
    assert len(results) == 1
    assert (stored_spec(workdir, A).options.cloud_format, stored_spec(workdir, A).updates) == ("zarr", {"title": "New"})


def test_an_edit_beside_one_that_does_not_end_is_refused(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "LOCK_WAIT_SECONDS", 0.0)
    with held(workdir.edits_lock, "somebody"):
        sentence = refusal(workdir, EDIT, projects=["grp:a"], set={"cloud_format": "zarr"})
    assert "what projects are made from is being worked on by" in sentence


def test_values_on_the_command_line_are_yaml_and_a_lone_date_is_text() -> None:
    given = ["cfa=true", "concat_dims=[time]", "updates.date=2026-01-01", "xarray={decode_times: false}", "updates.note=a=b", "aggregator="]
    assert yaml_values(given) == {
        "cfa": True,
        "concat_dims": ["time"],
        "updates.date": "2026-01-01",
        "xarray": {"decode_times": False},
        "updates.note": "a=b",
        "aggregator": None,
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cfa", "sets nothing: write FIELD=VALUE"),
        ("=1", "sets nothing"),
        ("variables=[", "the value of variables is not valid YAML"),
        ("updates={a: 2026-01-01}", "put dates in quotes"),
        ("compare=.nan", "neither text nor a number"),
        ("updates=!!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_a_value_that_is_none_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        yaml_values([text])


def test_five_hundred_projects_are_edited_at_once(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    workdir = Workdir(tmp_path.resolve() / "many")
    codes = [f"p{number}" for number in range(MANY)]
    initialised(workdir, "grp", *(with_files(tmp_path.resolve(), code) for code in codes))
    begin = time.monotonic()
    done = edited(workdir, "grp:*", set={"cloud_format": "zarr", "updates.title": "New"})
    seconds = time.monotonic() - begin
    record_property("figure", f"{MANY} projects edited in one step: {seconds:.1f} s")
    assert len(done) == MANY
    assert all(due(workdir, Project("grp", code)) == "scan" for code in codes)
    assert len(read_lines(workdir.main_list("grp"))) == MANY
