"""Which group configs the inbox sensor sees, when it requests a run for one, and when again: decided by what is on record of the file."""

import builtins
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.conductor import inbox as module
from padocc_dagster.conductor import starts
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.readings import Result, record_reading, version_of
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import DUE
from padocc_dagster_tests.actions.selected import without_a_worker
from padocc_dagster_tests.conductor.conducted import end, made_by_the_daemon

LONG_AGO = time.time() - 3600


class Inbox:
    """The inbox of a working directory and an instance, looked at tick by tick."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.workdir, self.instance = Workdir(root), instance
        self.cursor = "{}"
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def put(self, name: str, text: str, when: float = LONG_AGO) -> Path:
        self.workdir.inbox.mkdir(parents=True, exist_ok=True)
        path = self.workdir.inbox / name
        path.write_text(text)
        os.utime(path, (when, when))
        return path

    def look(self) -> list[dg.RunRequest]:
        """The runs that one tick requests."""
        context = dg.build_sensor_context(self.instance)
        context.log.warning = self.warnings.append
        context.log.error = self.errors.append
        seen = {name: module.Seen(*each) for name, each in json.loads(self.cursor).items()}
        found, files = module.look_at_inbox(context, self.workdir, seen)
        self.cursor = json.dumps(files)
        return found

    def names(self) -> list[str]:
        """The files that one tick requests runs for."""
        return [request.tags["padocc/group_config"] for request in self.look()]

    def lost(self, request: dg.RunRequest, status: str = "FAILURE", started: bool = False) -> None:
        """The run of a request, which ends before it could read its file."""
        end(self.instance, made_by_the_daemon(self.instance, request), status, started)

    def read(self, name: str, result: Result = Result.INITIALISED) -> None:
        """The file was read as it is now."""
        path = self.workdir.inbox / name
        record_reading(self.workdir, path, version_of(path), result, [], "r")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    monkeypatch.setenv("WORKDIR", str(tmp_path.resolve() / "work"))
    with dg.instance_for_test() as instance:
        yield Inbox(tmp_path.resolve() / "work", instance)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so many seconds go by."""
    now = time.time()
    monkeypatch.setattr(starts.time, "time", lambda: now + seconds)


def test_a_new_config_is_requested_until_it_was_read(box: Inbox) -> None:
    path = box.put("g.csv", "first")
    (request,) = box.look()
    assert request.run_config["ops"]["initialise_projects"]["config"]["path"] == str(path)
    assert request.run_key == f"{request.tags[DUE]}/0" == f"g.csv/{version_of(path)}/0"
    assert [again.run_key for again in box.look()] == [request.run_key]
    box.read("g.csv")
    assert box.look() == []


def test_a_changed_config_is_requested_again(box: Inbox) -> None:
    box.put("g.csv", "first")
    (first,) = box.look()
    box.read("g.csv")
    box.put("g.csv", "second", LONG_AGO + 1)
    (second,) = box.look()
    assert first.run_key != second.run_key


@pytest.mark.parametrize("seconds", [1, 0], ids=["with a new time", "with its old time"])
def test_a_config_put_back_as_it_was_is_requested_again(box: Inbox, seconds: int) -> None:
    keys = []
    for number, text in enumerate(("first", "other", "first")):
        box.put("g.csv", text, LONG_AGO + seconds * number)
        (request,) = box.look()
        keys.append(request.run_key)
        run = made_by_the_daemon(box.instance, request)
        box.read("g.csv")
        end(box.instance, run, "SUCCESS", started=True)
        assert box.look() == []
    assert len(set(keys)) == 3


def test_a_tick_that_is_repeated_requests_under_the_same_key(box: Inbox) -> None:
    box.put("g.csv", "x")
    (first,) = box.look()
    box.cursor = "{}"
    (again,) = box.look()
    assert first.run_key == again.run_key


def test_while_the_run_of_a_version_waits_or_works_it_is_not_requested_again(box: Inbox) -> None:
    box.put("g.csv", "x")
    made_by_the_daemon(box.instance, box.look()[0])
    assert box.look() == []
    box.put("g.csv", "y", LONG_AGO + 1)
    assert box.names() == ["g.csv"]


@pytest.mark.parametrize("started", [False, True], ids=["before it started", "at work"])
def test_a_version_whose_run_was_lost_is_requested_again_after_growing_pauses(
    box: Inbox, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    box.put("g.csv", "x")
    keys = set()
    for pause in starts.PAUSES[:3]:
        (request,) = box.look()
        keys.add(request.run_key)
        box.lost(request, started=started)
        assert box.look() == []
        later(monkeypatch, pause + 1)
    assert len(keys) == 3


def test_many_lost_starts_are_reported_as_a_problem(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put("g.csv", "x")
    for pause in starts.PAUSES[: starts.PROBLEM_AFTER]:
        box.lost(box.look()[0])
        later(monkeypatch, pause + 1)
    box.look()
    assert any("g.csv: 5 starts failed in a row (the worker is gone)" in error for error in box.errors)


@pytest.mark.parametrize("result", [Result.REJECTED, Result.FAILED])
def test_a_version_that_was_rejected_is_left_until_it_changes(box: Inbox, result: Result) -> None:
    box.put("g.csv", "x")
    run = made_by_the_daemon(box.instance, box.look()[0])
    box.read("g.csv", result)
    end(box.instance, run, "FAILURE", started=True)
    assert box.look() == []
    box.cursor = "{}"
    assert box.look() == []
    box.put("g.csv", "y", LONG_AGO + 1)
    assert box.names() == ["g.csv"]


@pytest.mark.parametrize("started", [False, True], ids=["before it started", "at work"])
def test_a_version_whose_run_a_person_cancelled_is_left_until_it_changes(
    box: Inbox, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    box.put("g.csv", "x")
    box.lost(box.look()[0], "CANCELED", started)
    later(monkeypatch, 10 * starts.PAUSES[-1])
    assert box.look() == []
    box.put("g.csv", "y", LONG_AGO + 1)
    assert box.names() == ["g.csv"]


def test_a_record_that_cannot_be_read_is_as_none(box: Inbox) -> None:
    box.put("g.csv", "x")
    box.read("g.csv")
    record = box.workdir.inbox_record("g.csv")
    assert record == box.workdir.root / "padocc_dagster" / "inbox" / "g.csv" and box.look() == []
    record.write_text("{")
    assert box.names() == ["g.csv"]
    record.unlink()
    record.mkdir()
    assert box.names() == ["g.csv"]


def test_from_the_inbox_to_the_project_and_back_again(box: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_worker(monkeypatch)
    (tmp_path / "1.nc").write_bytes(b"x")

    def carried_out() -> bool:
        (request,) = box.look()
        result = initialise_group.execute_in_process(
            instance=box.instance,
            resources={"padocc": Padocc(root=str(box.workdir.root))},
            run_config=request.run_config,
            tags=request.tags,
            raise_on_error=False,
        )
        assert box.look() == []
        return result.success

    texts = [f"one,{tmp_path}/*.nc,,\n", f"one,{tmp_path}/1.nc,,\n", f"one,{tmp_path}/*.nc,,\n", "a;b\n"]
    found = []
    for number, text in enumerate(texts):
        box.put("g.csv", text, LONG_AGO + number)
        carried_out()
        found.append(str(read_json(box.workdir.inbox_record("g.csv"))["result"]))
    assert found == ["initialised", "initialised", "initialised", "rejected"]
    assert project_codes(box.workdir, "g") == ["one"]
    assert [row.phase for row in read_rows(box.workdir.status_log(Project("g", "one")))] == ["init"] * 3


@pytest.mark.parametrize("name", [".g.csv", "g.csv~", "g.txt", "README.md"])
def test_other_files_are_passed_over(box: Inbox, name: str) -> None:
    box.put(name, "x")
    assert box.names() == []


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_not_a_file_is_passed_over(box: Inbox, make: Any) -> None:
    box.workdir.inbox.mkdir(parents=True)
    make(box.workdir.inbox / "g.csv")
    assert box.names() == []


@pytest.mark.parametrize("name", ["g.csv", "g.yaml", "g.yml", "g.CSV"])
def test_group_configs_are_known_by_their_suffix(box: Inbox, name: str) -> None:
    box.put(name, "x")
    assert box.names() == [name]


def test_a_file_still_being_written_is_waited_for(box: Inbox) -> None:
    box.put("g.csv", "x", time.time())
    assert box.names() == []
    box.put("g.csv", "x")
    assert box.names() == ["g.csv"]


def test_without_an_inbox_nothing_is_requested_and_nothing_forgotten(box: Inbox) -> None:
    box.put("g.csv", "x")
    box.look()
    away = box.workdir.root / "away"
    box.workdir.inbox.rename(away)
    assert box.look() == box.look() == []
    (warning,) = box.warnings
    assert "cannot be listed" in warning
    away.rename(box.workdir.inbox)
    box.read("g.csv")
    assert box.look() == []


def test_one_bad_file_does_not_stop_the_others_and_is_reported_once(box: Inbox) -> None:
    box.put("g.csv", "x")
    box.put(os.fsdecode(b"\xff.csv"), "x")
    (box.workdir.inbox / "gone.csv").symlink_to(box.workdir.root / "nothing")
    assert box.names() == ["g.csv"]
    first, second = sorted(box.warnings)
    assert "'\\udcff.csv'" in first and "UTF-8: rename" in first
    assert "'gone.csv'" in second and "No such file" in second and "remove it" in second
    box.look()
    assert len(box.warnings) == 2


def test_an_unreadable_file_is_reported_and_requested_when_it_can_be_read(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put("bad.csv", "x")
    box.put("g.csv", "x")
    with monkeypatch.context() as closed:
        forbid(closed, "work/inbox/bad.csv")
        assert box.names() == ["g.csv"] and "'bad.csv'" in box.warnings[0] and "Permission denied" in box.warnings[0]
    assert box.names() == ["bad.csv", "g.csv"]


def test_a_file_is_read_again_only_when_it_changed(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put("g.csv", "x")
    box.look()
    forbid(monkeypatch, "work/inbox/g.csv")
    assert json.loads(box.cursor or "") and box.names() == ["g.csv"] and not box.warnings


def test_no_more_than_so_many_are_requested_at_once_and_the_rest_later(box: Inbox) -> None:
    for number in range(module.REQUESTS_A_TICK + 5):
        box.put(f"g{number:03}.csv", "x")
    first = box.names()
    assert len(first) == module.REQUESTS_A_TICK
    for name in first:
        box.read(name)
    assert len(box.names()) == 5


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make opening the file fail, for root as well, whom no file mode stops."""
    opened = io.open

    def refuse(file: Any, *rest: Any, **options: Any) -> Any:
        if str(file).endswith(name):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *rest, **options)

    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr(builtins, "open", refuse)
