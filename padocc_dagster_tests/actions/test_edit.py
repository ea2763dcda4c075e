"""Editing what projects are made from: checked whole, initialised again, scanned by one backfill, and nothing lost on the way."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import edit as job
from padocc_dagster.actions import editing as action
from padocc_dagster.actions import redo
from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.actions.step import DONE, NOT_DONE
from padocc_dagster.commands.edit import _values
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.events import history_of
from padocc_dagster.pipeline.files import read_json, read_lines, write_json, write_text
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import held
from padocc_dagster.pipeline.product import options_of
from padocc_dagster.pipeline.specs import stored_spec, stored_specs
from padocc_dagster.pipeline.status import append_row, read_rows
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.pipeline.projects import initialised, spec

MANY = 500
A, B = Project("grp", "a"), Project("grp", "b")
WHO = {"who": "Ann", "why": "a remedy"}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
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


def edited(
    instance: dg.DagsterInstance, workdir: Workdir, *keys: str, tags: dict[str, str] | None = None, **config: Any
) -> dg.ExecuteInProcessResult:
    return edit_projects.execute_in_process(
        instance=instance,
        resources={"padocc": Padocc(root=str(workdir.root))},
        run_config={
            "ops": {"edit": {"config": {"projects": list(keys), **WHO, **config}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # as `perform` has it
        },
        raise_on_error=False,
        tags=tags,
    )


def killed_at(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, call: Callable[[], Any]) -> None:
    """Call, and be killed where the function is called."""

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(BaseException):  # noqa: B017 - as Dagster passes it on
        patch.setattr(place, name, killed)
        call()
        raise KeyboardInterrupt


def repeating(instance: dg.DagsterInstance) -> dict[str, str]:
    """The tags of the run by which Dagster repeats the last one."""
    last = instance.get_runs(limit=1)[0]
    root = last.tags.get("dagster/root_run_id", last.run_id)
    return {"dagster/parent_run_id": last.run_id, "dagster/root_run_id": root, "dagster/retry_number": "1"}


def failure(result: dg.ExecuteInProcessResult) -> Any:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    return event.step_failure_data.user_failure_data


def done(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return rows(event.step_output_data.metadata[DONE])


def partitions(backfill: Any) -> set[str]:
    (subset,) = backfill.asset_backfill_data.target_subset.partitions_subsets_by_asset_key.values()
    return set(subset.get_partition_keys())


def rows(table: Any) -> dict[str, str]:
    return {record.data["project"]: record.data["what"] for record in table.records}


def test_an_edited_project_is_made_anew_and_scanned_by_a_backfill_that_automation_leaves_alone(
    instance: dg.DagsterInstance, workdir: Workdir
) -> None:
    result = edited(instance, workdir, "grp:a", set={"cloud_format": "zarr", "concat_dims": ["time"], "updates.title": "New"})
    assert result.success
    assert done(result) == {"grp:a": "updates: not set → {'title': 'New'}; cloud_format: not set → zarr; concat_dims: not set → ['time']"}
    base = read_json(workdir.base_cfg(A))
    assert (base["updates"], base["override"]["cloud_type"]) == ({"title": "New"}, "zarr")
    assert options_of(base)["concat_dims"] == ["time"]
    (backfill,) = instance.get_backfills()
    assert backfill.asset_selection == [dg.AssetKey("scan_report")]
    assert partitions(backfill) == {"grp:a"}
    (event,) = result.get_asset_materialization_events()
    assert (event.asset_key, event.partition) == (dg.AssetKey("project"), "grp:a")
    assert instance.get_run_by_id(result.run_id).tags[job.FOLLOWED]
    assert to_announce(workdir, "grp") == ["b"]
    assert [(entry.who, entry.why) for entry in history_of(workdir, A)] == [("Ann", "a remedy")]
    assert stored_spec(workdir, B).options.cloud_format == "kerchunk"


def test_a_removed_field_is_back_at_its_default(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    assert edited(instance, workdir, "grp:*", set={"variables": ["tas"], "updates": {"a": 1, "b": 2}}).success
    assert edited(instance, workdir, "grp:*", remove=["variables", "updates.a"]).success
    assert (stored_spec(workdir, B).variables, stored_spec(workdir, B).updates) == ((), {"b": 2})


def test_what_a_recomputation_chose_stays_in_an_edit_of_something_else(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    base = read_json(workdir.base_cfg(A))
    base["padocc_dagster"]["options"]["cloud_format"] = "zarr"
    write_json(workdir.base_cfg(A), base)
    assert done(edited(instance, workdir, "grp:a", set={"compare": "all"})) == {"grp:a": "compare: not set → all"}
    assert stored_spec(workdir, A).options.cloud_format == "zarr"


def as_plain_padocc_made_it(workdir: Workdir, files: list[Path], **base: Any) -> None:
    """What is left of `grp:a` when PADOCC made it alone: no spec, in its config or with its group."""
    made = {"proj_code": "a", "version_no": "1.0", "override": {"cloud_type": "kerchunk", "file_type": "json"}}
    write_json(workdir.base_cfg(A), {**made, **base})
    write_json(workdir.detail_cfg(A), {"num_files": len(files)})
    write_text(workdir.allfiles(A), "\n".join(map(str, files)))
    write_json(workdir.specs("grp"), {code: one for code, one in read_json(workdir.specs("grp")).items() if code != "a"})


def raw_and_mapped(tmp_path: Path, mapped: tuple[str, ...] = ("m_1.nc", "m_2.nc")) -> tuple[Path, Path, list[Path]]:
    """A folder that a pattern names, one that substitutions lead to, and the files in that."""
    raw, other = tmp_path.resolve() / "raw", tmp_path.resolve() / "mapped"
    for folder, names in ((raw, ("m_1.nc", "m_2.nc")), (other, mapped)):
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"not a dataset")
    return raw, other, [other / name for name in ("m_1.nc", "m_2.nc")]


@pytest.mark.parametrize("way", ["pattern", "file_list", "files"])
def test_substitutions_that_padocc_made_are_made_by_an_edit_too(
    way: str, instance: dg.DagsterInstance, workdir: Workdir, tmp_path: Path
) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    listed = [str(raw / file.name) for file in files]
    write_text(tmp_path.resolve() / "list.txt", "\n".join(listed))
    pattern = {"pattern": f"{raw}/*.nc", "file_list": str(tmp_path.resolve() / "list.txt"), "files": listed}[way]
    as_plain_padocc_made_it(workdir, files, pattern=pattern, substitutions={"datasets": {str(raw): str(mapped)}})
    assert done(edited(instance, workdir, "grp:a", set={"updates.title": "t"})) == {"grp:a": "updates: not set → {'title': 't'}"}
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))
    assert stored_spec(workdir, A).pattern == (pattern if way != "files" else "")


def test_where_the_pattern_would_find_others_now_an_edit_of_something_else_keeps_the_files(
    instance: dg.DagsterInstance, workdir: Workdir, tmp_path: Path
) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path, ("m_1.nc", "m_2.nc", "m_3.nc"))
    for substitutions, pattern in (({"datasets": {str(raw): str(mapped)}}, f"{raw}/*.nc"), ({}, f"{mapped}/*.nc")):
        as_plain_padocc_made_it(workdir, files, pattern=pattern, substitutions=substitutions)
        assert edited(instance, workdir, "grp:a", set={"updates.title": "t"}).success
        assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_substitutions_that_a_pattern_cannot_express_leave_the_list_as_it_is(
    instance: dg.DagsterInstance, workdir: Workdir, tmp_path: Path
) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    substitutions = {"datasets": {f"{raw}/m_{number}.nc": str(file) for number, file in enumerate(files, 1)}}
    as_plain_padocc_made_it(workdir, files, pattern=f"{raw}/*.nc", substitutions=substitutions)
    assert stored_spec(workdir, A).files == tuple(map(str, files))
    assert edited(instance, workdir, "grp:a", set={"updates.title": "t"}).success
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_without_a_whole_list_of_files_an_edit_is_refused_unless_it_says_which(
    instance: dg.DagsterInstance, workdir: Workdir, tmp_path: Path
) -> None:
    raw, mapped, files = raw_and_mapped(tmp_path)
    as_plain_padocc_made_it(workdir, files, pattern=f"{raw}/*.nc", substitutions={"datasets": {str(raw): str(mapped)}})
    write_text(workdir.allfiles(A), str(files[0]))
    assert not edited(instance, workdir, "grp:a", set={"updates.title": "t"}).success
    assert edited(instance, workdir, "grp:a", set={"files": list(map(str, files))}).success
    assert read_lines(workdir.allfiles(A)) == list(map(str, files))


def test_a_config_dropped_again_wins_over_an_edit(instance: dg.DagsterInstance, workdir: Workdir, tmp_path: Path) -> None:
    assert edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}).success
    sources = tmp_path.resolve() / "sources" / "a"
    again = spec("a", (sources / "m_1.nc", sources / "m_2.nc"), pattern=f"{sources}/*.nc")
    assert initialised(workdir, "grp", again)["changed"] == ["a"]
    assert stored_spec(workdir, A).options.cloud_format == "kerchunk"


def test_a_dry_run_shows_old_and_new_and_changes_nothing(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    before = workdir.base_cfg(A).read_bytes(), workdir.specs("grp").read_bytes()
    result = edited(instance, workdir, "grp:a", set={"aggregator": "K"}, dry_run=True)
    assert done(result) == {"grp:a": "aggregator: not set → K"}
    assert (workdir.base_cfg(A).read_bytes(), workdir.specs("grp").read_bytes()) == before
    assert not instance.get_backfills() and not history_of(workdir, A)


def test_problems_of_all_projects_are_told_and_nothing_is_changed(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    (Path(stored_spec(workdir, B).pattern).parent / "m_2.nc").write_bytes(b"")
    before = workdir.base_cfg(A).read_bytes()
    told = failure(edited(instance, workdir, "grp:*", set={"cloud_format": "zarr", "aggregator": "K"})).description
    assert "grp:a: aggregator K has no part in the cloud format zarr" in told
    assert "grp:b: 1 of 2 source files" in told and "Nothing was changed" in told
    assert workdir.base_cfg(A).read_bytes() == before and not instance.get_backfills()


def test_a_project_at_work_is_not_done_and_stays_as_it_was(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    with held(workdir.project_lock(A), "somebody"):
        told = failure(edited(instance, workdir, "grp:*", set={"cloud_format": "zarr"}))
    assert rows(told.metadata[NOT_DONE]) == {"grp:a": "it is at work: edit it when that run has ended"}
    assert rows(told.metadata[DONE]) == {"grp:b": "cloud_format: not set → zarr"}
    assert stored_spec(workdir, A).options.cloud_format == "kerchunk"
    assert [partitions(backfill) for backfill in instance.get_backfills()] == [{"grp:b"}]


def test_a_faultlisted_project_is_edited_and_not_scanned(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    write_text(workdir.faultlist("grp"), "a,hopeless")
    result = edited(instance, workdir, "grp:a", set={"compare": "all"})
    assert done(result)["grp:a"].endswith("not scanned, it is on the faultlist: hopeless")
    assert not instance.get_backfills()
    assert stored_spec(workdir, A).options.compare == "all"


STOPS = ["initialise_group", "_initialised", "add_projects", "launch_backfill", "tell"]


@pytest.mark.parametrize("stop", STOPS[2:])
def test_an_edit_killed_anywhere_is_known_on_disk_and_asked_for_again(
    stop: str, instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(monkeypatch, action, stop, lambda: edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}))
    assert "a" in to_announce(workdir, "grp")
    assert edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}).success
    assert instance.get_backfills() and "a" not in to_announce(workdir, "grp")


@pytest.mark.parametrize("stop", [*STOPS, "report"])
def test_an_edit_of_failed_projects_killed_anywhere_is_finished_once_when_it_is_repeated(
    stop: str, instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_row(workdir.status_log(A), "scan", "Failed-KeyError")
    asked: dict[str, Any] = {"outcome": "failed", "set": {"cloud_format": "zarr"}}
    killed_at(monkeypatch, job if stop == "report" else action, stop, lambda: edited(instance, workdir, **asked))
    result = edited(instance, workdir, **asked, tags=repeating(instance))
    assert result.success, failure(result)
    (backfill,) = instance.get_backfills()
    assert partitions(backfill) == {"grp:a"}
    assert [str(step) for step in history_of(workdir, A)] == ["cloud_format: not set → zarr"]
    assert instance.get_materialized_partitions(dg.AssetKey("project")) == {"grp:a"}
    assert to_announce(workdir, "grp") == ["b"]
    assert stored_spec(workdir, A).options.cloud_format == "zarr"
    assert [row.phase for row in read_rows(workdir.status_log(A))] == ["init", "scan", "init"]
    assert not list((workdir.root / "padocc_dagster" / "asked").iterdir())


def test_an_edit_killed_twice_is_finished_by_the_third_run(
    instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_row(workdir.status_log(A), "scan", "Failed-KeyError")
    asked: dict[str, Any] = {"outcome": "failed", "set": {"cloud_format": "zarr"}}
    killed_at(monkeypatch, action, "launch_backfill", lambda: edited(instance, workdir, **asked))
    killed_at(monkeypatch, action, "tell", lambda: edited(instance, workdir, **asked, tags=repeating(instance)))
    assert edited(instance, workdir, **asked, tags=repeating(instance)).success
    assert len(instance.get_backfills()) == len(history_of(workdir, A)) == 1


def test_an_edit_that_a_person_executes_again_is_another_one(instance: dg.DagsterInstance, workdir: Workdir) -> None:
    assert edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}).success
    by_hand = {name: value for name, value in repeating(instance).items() if "retry" not in name}
    assert edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}, tags=by_hand).success
    assert len(instance.get_backfills()) == len(history_of(workdir, A)) == 2


def test_two_edits_at_once_are_both_kept(instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    has_read, other_ended, results = threading.Event(), threading.Event(), []

    def read(*given: Any) -> Any:
        found = stored_specs(*given)
        if not has_read.is_set():
            has_read.set()
            other_ended.wait(1)  # which it cannot while this one is under way
        return found

    monkeypatch.setattr(action, "stored_specs", read)
    one = threading.Thread(target=lambda: results.append(edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"}).success))
    one.start()
    assert has_read.wait(20)
    assert edited(instance, workdir, "grp:a", set={"updates.title": "New"}).success
    other_ended.set()
    one.join()
    assert results == [True]
    assert (stored_spec(workdir, A).options.cloud_format, stored_spec(workdir, A).updates) == ("zarr", {"title": "New"})


def test_an_edit_beside_one_that_does_not_end_is_refused(
    instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action, "LOCK_WAIT_SECONDS", 0.0)
    with held(workdir.root / "locks" / "edits.lock", "somebody"):
        told = failure(edited(instance, workdir, "grp:a", set={"cloud_format": "zarr"})).description
    assert "Nothing was changed" in told and "what projects are made from is being worked on by" in told


@pytest.mark.parametrize("stop", ["launch_backfill", "record", "report"])
def test_a_recomputation_killed_anywhere_has_one_backfill_when_it_is_repeated(
    stop: str, instance: dg.DagsterInstance, workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_row(workdir.status_log(A), "scan", "Success")

    def asked(tags: dict[str, str]) -> dg.ExecuteInProcessResult:
        config = {"phase": "scan", **WHO, "new_version": True}
        return redo.recompute_projects.execute_in_process(
            instance=instance,
            resources={"padocc": Padocc(root=str(workdir.root))},
            run_config={"ops": {"recompute": {"config": config}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            tags=tags,
        )

    killed_at(monkeypatch, redo, stop, lambda: asked({}))
    append_row(workdir.status_log(A), "compute", "Success")  # by the backfill
    assert asked(repeating(instance)).success
    (backfill,) = instance.get_backfills()
    assert partitions(backfill) == {"grp:a"} and len(history_of(workdir, A)) == 1


def test_values_on_the_command_line_are_yaml_and_a_lone_date_is_text() -> None:
    given = ["cfa=true", "concat_dims=[time]", "updates.date=2026-01-01", "xarray={decode_times: false}", "updates.note=a=b", "aggregator="]
    assert _values(given) == {
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
def test_a_value_that_is_none_is_refused_before_anything_is_asked(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        _values([text])


def test_five_hundred_projects_are_edited_at_once(
    instance: dg.DagsterInstance, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    workdir = Workdir(tmp_path.resolve() / "many")
    codes = [f"p{number}" for number in range(MANY)]
    initialised(workdir, "grp", *(with_files(tmp_path.resolve(), code) for code in codes))
    add_projects(instance, "grp", codes)
    begin = time.monotonic()
    result = edited(instance, workdir, "grp:*", set={"cloud_format": "zarr", "updates.title": "New"})
    seconds = time.monotonic() - begin
    record_property("figure", f"{MANY} projects edited in one step: {seconds:.1f} s")
    assert result.success and len(done(result)) == MANY
    (backfill,) = instance.get_backfills()
    assert len(partitions(backfill)) == MANY
    assert len(instance.get_materialized_partitions(dg.AssetKey("project"))) == MANY
    assert len(read_lines(workdir.main_list("grp"))) == MANY
