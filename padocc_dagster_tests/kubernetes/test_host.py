"""The first process of a pod: of all that try, one does the work; it says how that ended, and no signal outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.kubernetes.pod import report as reports
from padocc_dagster.kubernetes.pod.report import Report
from padocc_dagster_tests.kubernetes.desk import BEGAN


def host(path: Path, *command: str, uid: str = "uid-1") -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "padocc_dagster.kubernetes.pod.host", "--report", str(path), "--", *command]
    environment = {**os.environ, "PADOCC_POD_UID": uid, "PADOCC_NODE": "n1"}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ran(path: Path, *command: str, uid: str = "uid-1") -> tuple[int, str]:
    process = host(path, *command, uid=uid)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "ab" / "run.json"


@pytest.mark.parametrize(
    ("command", "status", "exit_status", "number"),
    [("exit 0", 0, 0, None), ("exit 3", 3, 3, None), ("kill -9 $$", 137, None, 9)],
)
def test_the_end_of_the_command_is_reported_and_returned(
    path: Path, command: str, status: int, exit_status: int | None, number: int | None
) -> None:
    assert ran(path, "sh", "-c", command)[0] == status
    found = reports.read(path)
    assert (found.pod, found.node, found.exit_status, found.signal, found.stopped) == ("uid-1", "n1", exit_status, number, False)
    assert found.ended >= found.began and found.peak_memory_mib >= 1


def test_a_second_pod_for_the_same_run_does_nothing(path: Path, tmp_path: Path) -> None:
    assert ran(path, "sh", "-c", "exit 3")[0] == 3
    status, said = ran(path, "touch", str(tmp_path / "done twice"), uid="uid-2")
    assert status == 0 and "Another pod works on this run, or has worked on it, on n1 since" in said
    assert not (tmp_path / "done twice").exists() and reports.read(path).pod == "uid-1"


def test_of_many_pods_at_once_exactly_one_works(path: Path, tmp_path: Path) -> None:
    hosts = [host(path, sys.executable, "-c", f"open({str(tmp_path / 'work')!r}, 'a').write('x')", uid=f"uid-{n}") for n in range(8)]
    assert [each.wait(60) for each in hosts] == [0] * 8
    assert (tmp_path / "work").read_text() == "x"


def test_sigterm_kills_the_command_at_once_with_all_that_it_started(path: Path, tmp_path: Path) -> None:
    deaf = f"import signal, os, time; signal.signal(15, signal.SIG_IGN); os.fork(); open({str(tmp_path / 'up')!r}, 'w'); time.sleep(600)"
    process = host(path, sys.executable, "-c", deaf)
    wait_for(lambda: (tmp_path / "up").exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 137
    found = reports.read(path)
    assert found.stopped and found.signal == 9 and found.ended


def test_a_command_that_is_not_there_is_reported(path: Path) -> None:
    status, said = ran(path, "/no/such/program")
    assert status == 127 and "cannot be started: No such file or directory" in said and reports.read(path).exit_status == 127


def test_without_a_place_for_the_report_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, said = ran(tmp_path / "file" / "run.json", "touch", str(tmp_path / "done"))
    assert status == os.EX_CANTCREAT and "cannot be made" in said and not (tmp_path / "done").exists()


def test_it_loads_neither_dagster_nor_kubernetes() -> None:
    code = "import sys; from padocc_dagster.kubernetes.pod import host; print({'dagster', 'kubernetes'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_claim_is_also_counted_where_nfs_repeats_the_request(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def linked_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", linked_twice)
    assert reports.claim(path, Report("uid-1", "n1", BEGAN)) and reports.read(path).pod == "uid-1"
    assert [each.name for each in path.parent.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"pod": "p", "node": "n", "began": 3})])
def test_a_damaged_report_is_a_claim_of_a_pod_that_is_not_known(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert reports.read(path).pod == "" and not reports.claim(path, Report("uid-1", "n1", BEGAN))


def wait_for(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
