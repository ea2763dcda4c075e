"""One look at the queue for everybody: real processes, a program that counts, and files as they may be found."""

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue, is_due, look, missed, read
from padocc_dagster_tests import cleanup
from padocc_dagster_tests.slurm.pretended import Pretended, forget_look
from padocc_dagster_tests.slurm.together import together

MINUTE = 60.0


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    made = Pretended(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    made.add(7, "dagster-a|b\nc-0", "dagster:x:a", state="RUNNING", started="2026-11-23T03:07:00", nodes="n[1-2]", reason="None")
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "queue.json"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for very little."""
    with cleanup.small_disk(tmp_path / "disk", "size=16k", "nr_inodes=10") as folder:
        yield folder


def asked(slurm: Pretended) -> int:
    return len(slurm.calls("squeue"))


def _crowd(path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(lambda _: look(path, Client(10), MINUTE), range(8)))
    assert all(list(queue.jobs) == [7] for queue in seen)


def test_many_processes_and_threads_within_a_poll_interval_are_one_squeue(slurm: Pretended, path: Path) -> None:
    slurm.answer("squeue", once=True, after=True, status=0, seconds=0.3)
    assert together(6, _crowd, path) == [0] * 6
    assert asked(slurm) == 1


def test_what_is_kept_is_what_was_seen(slurm: Pretended, path: Path) -> None:
    before = time.time()
    first, again = look(path, Client(10), MINUTE), look(path, Client(10), MINUTE)
    assert first == again and asked(slurm) == 1
    assert again.jobs[7] == Job(
        7,
        "dagster-a|b\nc-0",
        "dagster:x:a",
        "root",
        "RUNNING",
        submitted=datetime(2026, 11, 23, 3, 6, 28, tzinfo=UTC),
        started=datetime(2026, 11, 23, 3, 7, tzinfo=UTC),
        elapsed_seconds=31,
        nodes=("n1", "n2"),
    )
    assert before <= again.taken_at <= time.time() and again.answered


def test_every_field_of_a_job_outlives_the_file(slurm: Pretended, path: Path) -> None:
    full = Job(
        7, "n", "c", "u", "FAILED", "root", 3, 9, *[datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)], 5, 6, ("n1",), "r", 2, True
    )
    assert all(getattr(full, field.name) != field.default for field in dataclasses.fields(full))
    queue = look(path, Client(10), MINUTE)
    kept = json.loads(path.read_text()) | {"jobs": [dataclasses.asdict(full)]}
    path.write_text(json.dumps(kept, default=datetime.isoformat))
    assert read(path) == dataclasses.replace(queue, jobs={7: full})


def test_when_the_interval_has_passed_one_asks_again(slurm: Pretended, path: Path) -> None:
    look(path, Client(10), MINUTE)
    assert not is_due(path, MINUTE)
    forget_look(path, 61)
    assert is_due(path, MINUTE)
    look(path, Client(10), MINUTE)
    assert asked(slurm) == 2


def test_a_failure_is_kept_too_with_the_jobs_of_the_last_answer_and_when_the_silence_began(slurm: Pretended, path: Path) -> None:
    look(path, Client(10), MINUTE)
    slurm.fall_silent()
    forget_look(path, 100)
    began = look(path, Client(10), MINUTE)
    assert not began.answered and "connect failure" in began.error and list(began.jobs) == [7]
    assert look(path, Client(10), MINUTE) == began and asked(slurm) == 2
    forget_look(path, 100)
    later = look(path, Client(10), MINUTE)
    assert later.silent_since == pytest.approx(began.silent_since - 100, abs=0.01) and later.taken_at == began.taken_at
    slurm.recover()
    forget_look(path, 100)
    healed = look(path, Client(10), MINUTE)
    assert healed.answered and healed.error == "" and healed.taken_at > later.taken_at


DAMAGE = ["", "{", "null", "[]", '{"jobs": 5}']
DAMAGE += ['{"jobs": [{"job_id": "x"}], "missing": {}}', '{"jobs": [], "missing": {}, "more": 1}', "\x00" * 50]


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_file_is_as_none(slurm: Pretended, path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    assert read(path) == Queue()
    assert list(look(path, Client(10), MINUTE).jobs) == [7]
    assert list(read(path).jobs) == [7]


def test_a_file_that_is_not_utf8_is_as_none(slurm: Pretended, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe{")
    assert list(look(path, Client(10), MINUTE).jobs) == [7]


def test_a_look_from_the_future_does_not_stop_the_watch(slurm: Pretended, path: Path) -> None:
    look(path, Client(10), MINUTE)
    forget_look(path, -86400)
    assert is_due(path, MINUTE)
    look(path, Client(10), MINUTE)
    assert asked(slurm) == 2 and not is_due(path, MINUTE)


def test_how_old_a_look_is_does_not_depend_on_this_hosts_time_of_day(slurm: Pretended, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present = time.time
    monkeypatch.setattr(time, "time", lambda: present() + 3600)
    look(path, Client(10), MINUTE)
    assert not is_due(path, MINUTE)
    look(path, Client(10), MINUTE)
    assert asked(slurm) == 1


def test_on_a_full_disk_a_process_keeps_its_look_to_itself_and_asks_no_more_often(slurm: Pretended, small_disk: Path) -> None:
    path = small_disk / "queue.json"
    look(path, Client(10), 0)
    with pytest.raises(OSError):
        (small_disk / "filler").write_bytes(b"x" * 100_000)
    for job in range(100, 200):
        slurm.add(job, f"dagster-{job}-0", "")
    assert len(look(path, Client(10), 0).jobs) == 101
    before = asked(slurm)
    assert len(look(path, Client(10), MINUTE).jobs) == 101 and not is_due(path, MINUTE)
    assert asked(slurm) == before
    assert set(missed(path, {1})) == {1}
    assert [entry.name for entry in small_disk.iterdir() if entry.name.startswith(".queue")] == []


def test_when_a_job_was_first_missed_is_remembered_while_it_is_missed(slurm: Pretended, path: Path) -> None:
    look(path, Client(10), MINUTE)
    first = missed(path, {1, 2})
    forget_look(path, 61)
    look(path, Client(10), MINUTE)
    assert missed(path, {1}) == {1: pytest.approx(first[1] - 61, abs=0.01)}
    forget_look(path, 8 * 86400)
    look(path, Client(10), MINUTE)
    assert read(path).missing == {}


def test_a_job_at_work_again_was_not_missed_and_one_that_the_queue_remembers_as_ended_was(slurm: Pretended, path: Path) -> None:
    slurm.add(8, "x", "", state="COMPLETED", ended="2026-11-23T03:07:00", nodes="n1")
    look(path, Client(10), MINUTE)
    missed(path, {7, 8})
    forget_look(path, 61)
    look(path, Client(10), MINUTE)
    assert set(read(path).missing) == {8}
