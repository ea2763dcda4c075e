"""The folder of a host: a run is in one place, whoever joins, claims, withdraws, moves and closes at the same moment."""

import random
import threading
import time
from pathlib import Path

import pytest

from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Pace, Request, folders
from padocc_dagster_tests.slurm.together import together

RUNS = 60
STATES = ("open", "closed", "returned", "claimed", "done")


def host(name: str = "a") -> Host:
    return Host(name, "memory=2G", "memory=2G", "/log", 3600, 2048, 1, 120, 60, "", 1.5)


def request(run_id: str) -> Request:
    return Request(run_id, f"/{run_id}.json", f"/{run_id}.log", 600)


@pytest.fixture
def folder(tmp_path: Path) -> HostFolder:
    return HostFolder.make(tmp_path, host())


def test_a_host_and_its_runs_are_read_back(folder: HostFolder) -> None:
    assert folder.host() == host() and folder.job_id() is None and folder.pace() == Pace()
    folder.set_job_id(7)
    folder.set_pace(Pace(2, 5.0))
    assert folder.join(request("r")) and folder.request("r", "open") == request("r")
    assert (folder.job_id(), folder.pace().mean, folder.is_open) == (7, 2.5, True)
    assert [found.path for found in folders(folder.path.parent)] == [folder.path]


def test_runs_are_in_the_order_in_which_they_joined(folder: HostFolder) -> None:
    for run_id in ("c", "a", "b"):
        folder.join(request(run_id))
        time.sleep(0.01)
    assert folder.runs("open") == ["c", "a", "b"]


def test_nobody_joins_a_closed_host_and_what_was_there_stays(folder: HostFolder) -> None:
    folder.join(request("early"))
    folder.close()
    assert not folder.join(request("late"))
    assert folder.runs("closed") == ["early"] and folder.runs("open") == [] and not folder.is_open
    folder.reopen()
    assert folder.join(request("late")) and sorted(folder.runs("open")) == ["early", "late"]
    assert [path.name for path in folder.path.parent.iterdir()] == ["a"]  # no draft is left


def test_a_run_is_claimed_withdrawn_or_moved_by_one_alone(folder: HostFolder, tmp_path: Path) -> None:
    other = HostFolder.make(tmp_path, host("b"))
    folder.join(request("r"))
    assert folder.move("r", "open", "claimed")
    assert not folder.remove("r", "open") and not folder.hand_to(other, "r") and folder.runs("claimed") == ["r"]
    folder.join(request("s"))
    assert folder.hand_to(other, "s") and not folder.move("s", "open", "claimed") and other.runs("open") == ["s"]


def test_a_damaged_file_says_nothing(folder: HostFolder) -> None:
    (folder.path / "open" / "r").write_text("{")
    (folder.path / "host.json").write_text("[]")
    (folder.path / "job").write_text("soon")
    assert folder.request("r", "open") is None and folder.host() is None and folder.job_id() is None


def test_a_removed_host_has_nothing(folder: HostFolder) -> None:
    folder.clear()
    folder.clear()
    assert not folder.join(request("r")) and folder.runs("open") == [] and folders(folder.path.parent) == []


def join_all(path: str, prefix: str, joined: str) -> None:
    """Let runs join until the host closes, and write down those that did."""
    folder, done = HostFolder(Path(path)), []
    for number in range(RUNS):
        if folder.join(request(f"{prefix}{number}")):
            done.append(f"{prefix}{number}")
    Path(joined, prefix).write_text(" ".join(done))


def test_no_run_is_lost_or_doubled_when_others_join_claim_and_close_at_once(folder: HostFolder, tmp_path: Path) -> None:
    chance, over = random.Random(12), threading.Event()

    def disturb() -> None:
        """As a host that claims, closes and opens again, and a person who withdraws nothing."""
        while not over.is_set():
            time.sleep(chance.uniform(0, 0.001))  # or on a busy machine nobody finds it open
            for run_id in folder.runs("open")[:2]:
                folder.move(run_id, "open", "claimed")
            folder.close()
            if chance.random() < 0.9:
                folder.reopen()
            else:
                time.sleep(0.001)
                folder.reopen()

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    joined = tmp_path / "joined"
    joined.mkdir()
    writers = [threading.Thread(target=join_all, args=(str(folder.path), prefix, str(joined))) for prefix in "xyz"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    over.set()
    disturbing.join()
    said = {run_id for path in joined.iterdir() for run_id in path.read_text().split()}
    found = [run_id for state in STATES for run_id in folder.runs(state)]
    assert said and sorted(found) == sorted(said)


def claim_all(path: str, mine: str) -> None:
    folder = HostFolder(Path(path))
    taken = [run_id for run_id in folder.runs("open") if folder.remove(run_id, "open")]
    Path(mine, str(threading.get_native_id())).write_text(" ".join(taken))


def test_of_several_processes_that_take_a_run_one_gets_it(folder: HostFolder, tmp_path: Path) -> None:
    for number in range(RUNS):
        folder.join(request(f"r{number}"))
    mine = tmp_path / "mine"
    mine.mkdir()
    assert together(3, claim_all, str(folder.path), str(mine)) == [0, 0, 0]
    taken = [run_id for path in mine.iterdir() for run_id in path.read_text().split()]
    assert sorted(taken) == sorted(f"r{number}" for number in range(RUNS))
