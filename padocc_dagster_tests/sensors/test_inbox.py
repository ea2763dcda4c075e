"""Which group configs the inbox sensor sees, and when."""

import builtins
import io
import os
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.inbox import inbox

LONG_AGO = time.time() - 3600


def put(folder: Path, name: str, text: str, when: float = LONG_AGO) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    os.utime(folder / name, (when, when))


def look(root: Path, cursor: str | None = None, warnings: list[str] | None = None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(cursor=cursor, resources={"padocc": Padocc(root=str(root))})
    if warnings is not None:
        context.log.warning = warnings.append
    return inbox(context)


def names(found: Any) -> list[str]:
    """The files that are asked for."""
    requests = getattr(found, "run_requests", None) or []
    return [request.tags["padocc/group_config"] for request in requests]


def test_a_new_config_is_asked_for_once_and_again_when_it_changes(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "first")
    found = look(tmp_path)
    (request,) = found.run_requests
    assert request.run_config["ops"]["initialise_projects"]["config"]["path"] == str(tmp_path / "inbox" / "g.csv")
    same = look(tmp_path, found.cursor)
    assert not names(same) and "nothing new" in same.skip_reason.skip_message
    put(tmp_path / "inbox", "g.csv", "second", LONG_AGO + 1)
    again = look(tmp_path, found.cursor)
    assert again.run_requests[0].run_key != request.run_key


@pytest.mark.parametrize("seconds", [1, 0], ids=["with a new time", "with its old time"])
def test_a_config_put_back_as_it_was_is_asked_for_again(tmp_path: Path, seconds: int) -> None:
    keys = []
    cursor = None
    for number, text in enumerate(("first", "other", "first")):
        put(tmp_path / "inbox", "g.csv", text, LONG_AGO + seconds * number)
        found = look(tmp_path, cursor)
        cursor = found.cursor
        keys.append(found.run_requests[0].run_key)
    assert len(set(keys)) == 3


def test_a_tick_that_is_repeated_asks_under_the_same_key(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "x")
    assert look(tmp_path).run_requests[0].run_key == look(tmp_path).run_requests[0].run_key


@pytest.mark.parametrize("name", [".g.csv", "g.csv~", "g.txt", "README.md"])
def test_other_files_are_passed_over(tmp_path: Path, name: str) -> None:
    put(tmp_path / "inbox", name, "x")
    assert not names(look(tmp_path))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_not_a_file_is_passed_over(tmp_path: Path, make: Any) -> None:
    (tmp_path / "inbox").mkdir()
    make(tmp_path / "inbox" / "g.csv")
    assert not names(look(tmp_path))


@pytest.mark.parametrize("name", ["g.csv", "g.yaml", "g.yml", "g.CSV"])
def test_group_configs_are_known_by_their_suffix(tmp_path: Path, name: str) -> None:
    put(tmp_path / "inbox", name, "x")
    assert names(look(tmp_path)) == [name]


def test_a_file_still_being_written_is_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "x", time.time())
    found = look(tmp_path)
    assert not names(found)
    put(tmp_path / "inbox", "g.csv", "x")
    assert names(look(tmp_path, found.cursor)) == ["g.csv"]


def test_without_an_inbox_nothing_is_asked_and_nothing_forgotten(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "x")
    cursor = look(tmp_path).cursor
    (tmp_path / "inbox").rename(tmp_path / "away")
    assert isinstance(look(tmp_path, cursor), dg.SkipReason)


def test_one_bad_file_does_not_stop_the_others_and_is_told_once(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "x")
    put(tmp_path / "inbox", os.fsdecode(b"\xff.csv"), "x")
    (tmp_path / "inbox" / "gone.csv").symlink_to(tmp_path / "nothing")
    warnings: list[str] = []
    found = look(tmp_path, None, warnings)
    assert names(found) == ["g.csv"]
    first, second = sorted(warnings)
    assert "'\\udcff.csv'" in first and "UTF-8: rename" in first
    assert "'gone.csv'" in second and "No such file" in second and "take it away" in second
    again: list[str] = []
    assert not names(look(tmp_path, found.cursor, again)) and not again


def test_an_unreadable_file_is_told_and_asked_for_when_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "inbox", "bad.csv", "x")
    put(tmp_path / "inbox", "g.csv", "x")
    with monkeypatch.context() as closed:
        forbid(closed, "bad.csv")
        warnings: list[str] = []
        found = look(tmp_path, None, warnings)
    assert names(found) == ["g.csv"] and "'bad.csv'" in warnings[0] and "Permission denied" in warnings[0]
    assert names(look(tmp_path, found.cursor)) == ["bad.csv"]


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "inbox", "g.csv", "x")
    cursor = look(tmp_path).cursor
    forbid(monkeypatch, "g.csv")
    warnings: list[str] = []
    assert not names(look(tmp_path, cursor, warnings)) and not warnings


def test_at_most_200_are_asked_for_at_once_and_the_rest_later(tmp_path: Path) -> None:
    for number in range(450):
        put(tmp_path / "inbox", f"g{number:03}.csv", "x")
    cursor, asked = None, []
    for expected in (200, 200, 50, 0):
        found = look(tmp_path, cursor)
        assert len(names(found)) == expected
        asked += names(found)
        cursor = found.cursor
    assert len(set(asked)) == 450


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make opening the file fail, for root as well, whom no file mode stops."""
    opened = io.open

    def refuse(file: Any, *rest: Any, **options: Any) -> Any:
        if str(file).endswith(name):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *rest, **options)

    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr(builtins, "open", refuse)
