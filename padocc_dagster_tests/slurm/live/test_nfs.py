"""What depends on the file system, on a real NFS 4.2 that two hosts mount as usual: locks, claims, renames, and what is seen late.

The tests of one host are those that run on a local disk, too.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.locks import LOST_LOCK_EXIT_STATUS
from padocc_dagster_tests.slurm.live import nfs
from padocc_dagster_tests.slurm.live.nfs import ROOT, SHARED, Command, Machine

LEASE = 4.0
FOLDERS_ARE_CACHED_SECONDS = 60
"""The most, where the mount has no option for it (`acdirmax`, man 5 nfs)."""
LOCKS = "pipeline/workdir/test_locks"
OF_ONE_HOST = (f"{LOCKS}.py", f"{LOCKS}_of_the_dead.py", "slurm/node/test_report.py", "slurm/node/test_host_folder.py")
NOT_SLOW = "not initialised and not at_once"
"""Without what takes long there, and what must be done within a second."""
SHORT_LEASE = (
    f"from padocc_dagster.pipeline.workdir import locks; locks.LEASE_SECONDS = {LEASE}\nimport os, sys, time; from pathlib import Path\n"
)
HOLD = SHORT_LEASE + "with locks.held(Path(sys.argv[1]), 'x'):\n    time.sleep(float(sys.argv[2]))"
WANT = SHORT_LEASE + "with locks.held(Path(sys.argv[1]), 'x', wait=float(sys.argv[2])):\n    print(Path(sys.argv[1]).read_text())"
TAKE_TURNS = SHORT_LEASE + (
    "lock = Path(sys.argv[1]); inside = lock.with_name('inside')\n"
    "for _ in range(5):\n"
    "    with locks.held(lock, 'x', wait=60):\n        os.close(os.open(inside, os.O_CREAT | os.O_EXCL)); inside.unlink()"
)
SEEN = "import sys, time; from pathlib import Path\nwhile not Path(sys.argv[1]).exists():\n    time.sleep(0.05)\nprint(time.time())"
CLAIM = (
    "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
    "from padocc_dagster.slurm.node.report import Report, claim\n"
    "mine = Report(int(sys.argv[2]), 'host', datetime.now(UTC))\n"
    "print(sum(claim(Path(sys.argv[1]) / str(number), mine) for number in range(100)))"
)
JOIN = (
    "import sys; from pathlib import Path; from padocc_dagster.slurm.node.host_folder import HostFolder, Request\n"
    "folder = HostFolder(Path(sys.argv[1]))\n"
    "for number in range(50):\n    folder.join(Request(f'r{number}', '', '', 60))"
)
TAKE = (
    "import sys; from pathlib import Path; from padocc_dagster.slurm.node.host_folder import HostFolder\n"
    "folder, end, taken = HostFolder(Path(sys.argv[1])), sys.argv[2], 0\n"
    "while len(folder.runs('claimed')) + len(folder.runs('returned')) < 50:\n"
    "    taken += sum(folder.move(run, 'open', end) for run in folder.runs('open'))\nprint(taken)"
)
APPEND = (
    "import sys; from pathlib import Path; from padocc_dagster.pipeline.workdir.status import append_row\n"
    "for number in range(60):\n    append_row(Path(sys.argv[1]), 'scan', f'Failed-{number}')"
)
FOLLOW = (
    "import sys; from pathlib import Path; from padocc_dagster.pipeline.workdir.status import read_rows\n"
    "seen = 0\n"
    "while seen < 60:\n"
    "    rows = read_rows(Path(sys.argv[1]))\n"
    "    assert len(rows) >= seen and [row.status for row in rows] == [f'Failed-{number}' for number in range(len(rows))]\n"
    "    seen = len(rows)"
)
FLOCK = (
    "import sys, time; from filelock import FileLock\n"
    "with FileLock(sys.argv[1], timeout=float(sys.argv[2])):\n    time.sleep(float(sys.argv[3]))"
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if problem := nfs.problem():
        pytest.skip(problem)
    with tempfile.TemporaryDirectory(prefix="nfs-") as folder, nfs.running(Path(folder)) as started:
        yield started


@pytest.fixture(scope="module")
def of_one_host(machine: Machine) -> Command:
    """The tests of one host, begun before all others: they mostly wait."""
    files = [ROOT / "padocc_dagster_tests" / name for name in OF_ONE_HOST]
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", ROOT, "-k", NOT_SLOW, "--basetemp", SHARED / "tests"]
    return machine.start("one", sys.executable, "-m", "pytest", *options, *files)


@pytest.fixture(scope="module")
def sight(machine: Machine) -> tuple[float, Command]:
    """When the first host made a file that the second had looked for in vain, in seconds since 1970; and who says when that one sees it."""
    path = SHARED / "made"
    assert machine.start("two", "test", "-e", path).end() == 1
    made = machine.python("one", "import sys, time; open(sys.argv[1], 'w').close(); print(time.time())", path).wait()
    return float(made), machine.python("two", SEEN, path)


@pytest.fixture
def folder(machine: Machine, sight: tuple[float, Command], of_one_host: Command) -> Path:
    made = SHARED / f"test{len(machine.commands)}"
    machine.start("one", "mkdir", made).wait()
    return made


@pytest.fixture
def held(machine: Machine, folder: Path) -> Command:
    """A process on the first host that holds the lock."""
    holder = machine.python("one", HOLD, folder / "lock", "1000")
    machine.python("one", SEEN, folder / "lock").wait()
    return holder


def test_a_lock_is_not_taken_while_its_holder_on_another_host_lives(machine: Machine, folder: Path, held: Command) -> None:
    refused = machine.python("two", WANT, folder / "lock", str(LEASE * 3))
    assert refused.end() == 1 and "LockedError: x is being worked on by another process" in refused.output
    assert "host=one" in refused.output and held.status is None
    held.kill()


def test_a_lock_is_taken_in_the_end_when_its_holder_on_another_host_is_gone(machine: Machine, folder: Path, held: Command) -> None:
    held.kill()
    assert "two" in machine.python("two", WANT, folder / "lock", str(LEASE * 3)).wait()


def test_a_holder_that_the_file_server_does_not_hear_loses_its_lock_and_ends_when_it_notices(
    machine: Machine, folder: Path, held: Command
) -> None:
    machine.cut("one")
    assert "two" in machine.python("two", WANT, folder / "lock", str(LEASE * 3)).wait()
    assert held.status is None
    machine.heal("one")
    assert held.end() == LOST_LOCK_EXIT_STATUS and "lost the lock" in held.output


def test_of_processes_on_two_hosts_one_holds_a_lock_at_a_time(machine: Machine, folder: Path) -> None:
    for taker in [machine.python(host, TAKE_TURNS, folder / "lock") for host in ("one", "two") * 2]:
        taker.wait()


def test_of_jobs_on_two_hosts_one_claims_a_run(machine: Machine, folder: Path) -> None:
    claims = [machine.python(host, CLAIM, folder, str(number)) for number, host in enumerate(("one", "two") * 2, 1)]
    assert sum(int(claim.wait()) for claim in claims) == 100


def test_of_processes_on_two_hosts_one_takes_a_waiting_run(machine: Machine, folder: Path) -> None:
    machine.start("one", "mkdir", *[folder / name for name in ("open", "claimed", "returned")]).wait()
    takers = [machine.python(host, TAKE, folder, end) for host, end in (("one", "claimed"), ("two", "returned"))]
    machine.python("two", JOIN, folder).wait()
    assert sum(int(taker.wait()) for taker in takers) == 50


def test_a_status_log_that_another_host_replaces_is_read_whole_each_time(machine: Machine, folder: Path) -> None:
    machine.start("one", "touch", folder / "status_log.csv").wait()
    following = [machine.python(host, FOLLOW, folder / "status_log.csv") for host in ("one", "two")]
    machine.python("one", APPEND, folder / "status_log.csv").wait()
    for follower in following:
        follower.wait()


def test_locks_of_the_kernel_hold_across_hosts(machine: Machine, folder: Path) -> None:
    holder = machine.python("one", FLOCK, folder / "kernel", "0", "1000")
    machine.python("one", SEEN, folder / "kernel").wait()
    refused = machine.python("two", FLOCK, folder / "kernel", "0.5", "0")
    assert refused.end() == 1 and "Timeout" in refused.output
    holder.kill()
    machine.python("two", FLOCK, folder / "kernel", "60", "0").wait()


def test_a_file_of_another_host_is_seen_within_the_time_for_which_folders_are_cached(
    sight: tuple[float, Command], record_property: Callable[[str, object], None]
) -> None:
    made, seen = sight
    late = float(seen.wait()) - made
    record_property("figure", f"NFS 4.2: a host that looked for a file in vain sees it {late:.0f} s after another host has made it")
    assert late < FOLDERS_ARE_CACHED_SECONDS + 5


def test_the_tests_of_one_host_pass_on_nfs(of_one_host: Command) -> None:
    of_one_host.wait(300)
    assert " passed" in of_one_host.output and "skipped" not in of_one_host.output
