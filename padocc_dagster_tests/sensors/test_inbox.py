"""Which group configs the inbox sensor sees, and when."""

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.inbox import group_configs, inbox

LONG_AGO = time.time() - 3600


def put(folder: Path, name: str, text: str, when: float = LONG_AGO) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    os.utime(folder / name, (when, when))


def look(root: Path, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(cursor=cursor, resources={"padocc": Padocc(root=str(root))})
    return inbox(context)


def test_a_new_config_is_asked_for_once_and_again_when_it_changes(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "first")
    found = look(tmp_path, None)
    (request,) = found.run_requests
    assert request.run_config["ops"]["initialise_projects"]["config"]["path"] == str(tmp_path / "inbox" / "g.csv")
    assert isinstance(look(tmp_path, found.cursor), dg.SkipReason)
    put(tmp_path / "inbox", "g.csv", "second", LONG_AGO + 1)
    again = look(tmp_path, found.cursor)
    assert again.run_requests[0].run_key != request.run_key


def test_a_config_put_back_as_it_was_is_asked_for_again(tmp_path: Path) -> None:
    keys = []
    cursor = None
    for number, text in enumerate(("first", "second", "first")):
        put(tmp_path / "inbox", "g.csv", text, LONG_AGO + number)
        found = look(tmp_path, cursor)
        cursor = found.cursor
        keys.append(found.run_requests[0].run_key)
    assert len(set(keys)) == 3


@pytest.mark.parametrize("name", [".g.csv", "g.csv~", "g.txt", "README.md"])
def test_other_files_are_passed_over(tmp_path: Path, name: str) -> None:
    put(tmp_path / "inbox", name, "x")
    assert not list(group_configs(tmp_path / "inbox"))


@pytest.mark.parametrize("name", ["g.csv", "g.yaml", "g.yml", "g.CSV"])
def test_group_configs_are_known_by_their_suffix(tmp_path: Path, name: str) -> None:
    put(tmp_path / "inbox", name, "x")
    assert [found for found, _ in group_configs(tmp_path / "inbox")] == [name]


def test_a_file_still_being_written_is_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "inbox", "g.csv", "x", time.time())
    assert not list(group_configs(tmp_path / "inbox"))


def test_without_an_inbox_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert isinstance(look(tmp_path, None), dg.SkipReason)
