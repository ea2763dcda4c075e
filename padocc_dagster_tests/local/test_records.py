"""Which runs have a keeper: known however the keeper ends, and claimed by one process alone."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from padocc_dagster.local.records import FOLDER, Records

KEEP = "import sys\nfrom pathlib import Path\nfrom padocc_dagster.local.records import Records\n"
CLAIM = KEEP + "print('mine' if Records(Path(sys.argv[1])).claim('run') else 'not mine', flush=True)\nsys.stdin.read()"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


def claiming(home: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", CLAIM, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.said = process.stdout.readline().strip()  # type: ignore[attr-defined]
    return process


def test_a_run_is_claimed_by_one_process_until_that_ends(records: Records) -> None:
    with claiming(records.home) as first:
        assert first.said == "mine" and records.keeper("run") == first.pid and records.keepers() == {"run": first.pid}
        assert records.claim("run") is None
        with claiming(records.home) as second:
            assert second.said == "not mine"
            second.stdin.close()
        first.kill()
    assert records.keeper("run") is None and records.keepers() == {} and records.has("run")
    claim = records.claim("run")
    assert claim and records.keeper("run") == os.getpid()
    claim.release()
    assert not records.has("run") and records.keeper("run") is None


def test_a_run_that_was_never_claimed_has_no_keeper_and_no_record(records: Records) -> None:
    assert records.keeper("other") is None and not records.has("other") and records.keepers() == {}
    records.forget("other")


def test_a_record_that_is_not_written_yet_names_nobody(records: Records) -> None:
    claim = records.claim("run")
    (records.home / FOLDER / "run").write_text("")
    assert records.keeper("run") is None
    claim.release()


def test_a_look_at_a_record_is_not_taken_for_a_keeper(records: Records) -> None:
    claim = records.claim("run")
    os.close(claim.file)
    look = os.open(records.home / FOLDER / "run", os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    late = threading.Timer(0.1, os.close, [look])
    late.start()
    claim = records.claim("run")
    late.join()
    assert claim and records.keeper("run") == os.getpid()
    claim.release()
