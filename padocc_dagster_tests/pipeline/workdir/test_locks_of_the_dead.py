"""A dead holder on another host, whose process nobody here can look at, keeps a lock no longer than its lease; a live one keeps it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from padocc_dagster.pipeline.making.initialise import initialise_group
from padocc_dagster.pipeline.workdir import locks
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.spec import ProjectSpec

LEASE = 2.0
HOLD = (
    "import socket, sys; from pathlib import Path; from padocc_dagster.pipeline.workdir import locks\n"
    "socket.gethostname = lambda: sys.argv[2]; locks.LEASE_SECONDS = float(sys.argv[3])\n"
    "with locks.held(Path(sys.argv[1]), 'x'):\n    print('held', flush=True); sys.stdin.read()"
)
TAKE_TURNS = (
    "import os, sys; from pathlib import Path; from padocc_dagster.pipeline.workdir import locks\n"
    "locks.LEASE_SECONDS = float(sys.argv[2]); lock = Path(sys.argv[1]); inside = lock.with_name('inside')\n"
    "with locks.held(lock, 'x', wait=30):\n    os.close(os.open(inside, os.O_CREAT | os.O_EXCL)); inside.unlink()"
)


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LEASE_SECONDS", LEASE)


@pytest.fixture(autouse=True)
def as_on_nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS does not exchange two file names in one step."""
    monkeypatch.setattr("filelock._soft.exchange_names", lambda *names: False)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def live(lock: Path) -> Iterator[subprocess.Popen]:
    process = holder(lock)
    yield process
    process.communicate()


def holder(path: Path, host: str = "another-host") -> subprocess.Popen:
    argv = [sys.executable, "-c", HOLD, str(path), host, str(LEASE)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def die(path: Path, seconds_ago: float = 0.0) -> None:
    """Leave the marker of a holder that was killed on another host that long ago."""
    process = holder(path)
    process.kill()
    process.communicate()
    then = time.time() - seconds_ago
    os.utime(path, (then, then))


def test_the_usual_wait_outlasts_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert locks.WAIT_SECONDS >= locks.LEASE_SECONDS * 4 / 3


def test_a_holder_that_dies_during_the_wait_is_succeeded(lock: Path) -> None:
    die(lock)
    begun = time.monotonic()
    with held(lock, "x", wait=LEASE * 1.5):
        assert time.monotonic() - begun >= LEASE / 2
    assert not lock.exists()


def test_a_holder_long_dead_is_succeeded_even_by_who_waits_shortly(lock: Path) -> None:
    die(lock, seconds_ago=1000)
    with held(lock, "x", wait=0.1):
        pass


def test_a_holder_just_dead_is_succeeded_at_a_later_short_try(lock: Path) -> None:
    die(lock)
    with pytest.raises(LockedError), held(lock, "x", wait=0.1):
        pass
    time.sleep(LEASE)
    with held(lock, "x", wait=0.1):
        pass


def test_a_holder_that_refreshes_is_never_robbed(lock: Path, live: subprocess.Popen) -> None:
    with pytest.raises(LockedError, match="another-host"), held(lock, "x", wait=LEASE * 2.5):
        pass
    assert f"pid={live.pid}" in lock.read_text()


def test_a_marker_that_was_empty_for_a_moment_is_left_to_its_holder_also_where_nfs_still_has_it_as_empty(
    lock: Path, live: subprocess.Popen, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, real, real_sleep = lock.read_text(), os.stat, time.sleep
    os.truncate(lock, 0)
    cached = os.stat(lock)
    monkeypatch.setattr(os, "stat", lambda path, *more, **named: cached if path == lock else real(path, *more, **named))

    def sleep(seconds: float) -> None:
        if seconds == locks.EMPTY_SECONDS:
            lock.write_text(record)
        real_sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(LockedError, match="another-host"), held(lock, "x", wait=0.1):
        pass
    assert lock.read_text() == record


def test_a_holder_whose_clock_is_far_behind_is_not_robbed(lock: Path, live: subprocess.Popen, monkeypatch: pytest.MonkeyPatch) -> None:
    from padocc_dagster.pipeline.workdir import lease

    behind = lease.clock_of
    monkeypatch.setattr(lease, "clock_of", lambda folder: behind(folder) + 1000)
    with pytest.raises(LockedError), held(lock, "x", wait=0.1):
        pass
    assert f"pid={live.pid}" in lock.read_text()


def test_a_holder_killed_on_this_host_is_succeeded_at_once(lock: Path) -> None:
    process = holder(lock, socket.gethostname())
    process.kill()
    process.communicate()
    begun = time.monotonic()
    with held(lock, "x", wait=20):
        assert time.monotonic() - begun < LEASE / 2


def test_a_remover_that_died_is_succeeded(lock: Path) -> None:
    die(lock, seconds_ago=1000)
    guard = lock.with_name(f"{lock.name}.removing")
    guard.touch()
    os.utime(guard, (0, 0))
    with held(lock, "x", wait=LEASE):
        pass
    assert list(lock.parent.iterdir()) == []


def test_of_many_who_find_a_dead_holder_one_works_at_a_time(lock: Path) -> None:
    die(lock, seconds_ago=1000)
    with ExitStack() as stack:
        argv = [sys.executable, "-c", TAKE_TURNS, str(lock), str(LEASE)]
        takers = [stack.enter_context(subprocess.Popen(argv)) for _ in range(6)]
    assert [taker.returncode for taker in takers] == [0] * 6
    assert list(lock.parent.iterdir()) == []


def test_a_group_is_initialised_past_a_project_whose_holder_died_elsewhere(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    spec = {**ProjectSpec("a", "", ()).as_dict(), "files": ["/data/1.nc"]}
    initialise_group(str(tmp_path), "g", [spec])
    die(workdir.project_lock(Project("g", "a")), seconds_ago=1000)
    done = initialise_group(str(tmp_path), "g", [spec | {"files": ["/data/2.nc"]}])
    assert (done["changed"], done["locked"]) == (["a"], [])
