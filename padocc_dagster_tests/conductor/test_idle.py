"""When the conductor finds nothing left to do."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from padocc_dagster.conductor import tick as module
from padocc_dagster.conductor.idle import is_idle
from padocc_dagster.conductor.inbox import look_at_inbox
from padocc_dagster.pipeline.workdir.events import PhaseRequested, StartFailed
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.readings import Result, record_reading, version_of
from padocc_dagster_tests.conductor.conducted import Conducted

LONG_AGO = 1.6e9
SCAN_FAILED = ("scan", "Failed-OSError")


class Looked(Conducted):
    """Its only project failed, so that nothing is due."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        super().__init__(root, instance)
        self.rows("a", SCAN_FAILED)
        self.workdir.inbox.mkdir()

    def is_idle(self) -> bool:
        """After a tick that requested what is due, and whose refreshes are done."""
        self.tick()
        self.memory.dirty.clear()
        context = dg.build_sensor_context(self.instance)
        _, files = look_at_inbox(context, self.workdir, {})
        return is_idle(self.memory, files)

    def put(self, name: str, when: float = LONG_AGO) -> Path:
        path = self.workdir.inbox / name
        path.write_text("x,/data/*.nc,,")
        os.utime(path, (when, when))
        return path


@pytest.fixture
def looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looked]:
    monkeypatch.setattr(module, "_report", lambda *_: [])  # needs runs
    with dg.instance_for_test() as instance:
        looked = Looked(tmp_path / "work", instance)
        looked.tick()
        looked.memory.to_compare.clear()
        yield looked


def test_a_project_that_waits_for_a_person_leaves_nothing_to_do(looked: Looked) -> None:
    assert looked.is_idle()


def test_a_group_that_was_not_refreshed_is_left_to_do(looked: Looked) -> None:
    assert looked.is_idle()
    looked.memory.dirty.add("g")
    assert not is_idle(looked.memory, {})


def test_a_phase_that_is_due_is_left_to_do_also_while_its_start_is_tried_again_later(looked: Looked) -> None:
    looked.event("a", PhaseRequested(who="ada", why="again", phase="scan", row=2))
    assert not looked.is_idle()
    later = datetime.now(UTC) + timedelta(minutes=30)
    looked.event("a", StartFailed(phase="scan", run="r", reason="no", count=5, retry_at=later, row=2))
    assert not looked.is_idle()


def test_a_config_is_left_to_do_until_it_was_read_and_one_that_cannot_be_read_is_left_to_a_person(looked: Looked) -> None:
    path = looked.put("new.csv")
    assert not looked.is_idle()
    record_reading(looked.workdir, path, version_of(path), Result.REJECTED, [], "run")
    assert looked.is_idle()
    (looked.workdir.inbox / "gone.csv").symlink_to("nowhere")
    (looked.workdir.inbox / "folder.csv").mkdir()
    assert looked.is_idle()


def test_a_config_that_is_still_being_written_is_left_to_do(looked: Looked) -> None:
    looked.put("new.csv", datetime.now(UTC).timestamp())
    assert not looked.is_idle()


def test_failed_projects_whose_rules_were_not_followed_yet_are_left_to_do(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RULED", 1)
    monkeypatch.setattr(module, "_to_rule", lambda memory: iter([(Project("g", "a"), 1, SimpleNamespace())] * 2))
    monkeypatch.setattr(module, "follow_rules", lambda *_: SimpleNamespace(done={}, not_done={}))
    assert not looked.is_idle()
