"""One worker per project and one writer per group, whatever happens to the holder of the lock."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.locks import LockedError, held

HOLD = (
    "import sys; from pathlib import Path; from padocc_dagster.pipeline.workdir.locks import held\n"
    "with held(Path(sys.argv[1]), 'x'):\n    print('held', flush=True); sys.stdin.read()"
)


def holder(path: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_is_refused_with_a_sentence_that_names_the_holder(tmp_path: Path) -> None:
    first = holder(tmp_path / "lock")
    sentence = f"project grp:proj is being worked on by .*pid={first.pid}"
    with pytest.raises(LockedError, match=sentence), held(tmp_path / "lock", "project grp:proj", wait=0.3):
        pass
    first.communicate()


def test_the_second_waits_until_the_first_is_done(tmp_path: Path) -> None:
    first = holder(tmp_path / "lock")
    threading.Timer(0.5, first.communicate).start()
    with held(tmp_path / "lock", "x"):
        assert first.poll() is not None or first.wait(30) == 0


def test_the_lock_of_a_killed_holder_is_taken_over_at_once(tmp_path: Path) -> None:
    first = holder(tmp_path / "lock")
    first.kill()
    first.wait()
    begun = time.monotonic()
    with held(tmp_path / "lock", "x", wait=20):
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize("marker", ["", "filelock/2\npid=1", "junk"])
def test_a_marker_without_a_holders_name_is_taken_over_within_seconds(tmp_path: Path, marker: str) -> None:
    (tmp_path / "lock").write_text(marker)
    begun = time.monotonic()
    with held(tmp_path / "lock", "x", wait=20):
        assert time.monotonic() - begun < 15
    assert not (tmp_path / "lock").exists()
