"""What SLURM and Dagster need goes away for a while: nothing fails for it, nothing runs twice, and the run says what it waits for.

One run (`through`) is at work from the first outage to the last.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.cleanup import fill, small_disk
from padocc_dagster_tests.slurm.live.conftest import ALLOCATION, LOAD, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import fault
from padocc_dagster_tests.slurm.live.steps import ended, gate, launch_and_begin, partition
from tools.slurm_cluster.cluster import Cluster

FAULTS = {
    "after Postgres was away": fault("it is launched right after Postgres is restarted"),
    "begins on a full disk": fault("its job begins when the disk of the log folder is full"),
    "launched on a full disk": fault("it is launched when the disk of the log folder is full"),
    "launched while munged is away": fault("it is launched while munged is down"),
    "launched while slurmctld is away": fault("it is launched while slurmctld is down"),
    "on a full disk": fault("its job ends when the disk of the log folder is full"),
    "through": fault("slurmctld, munged, the accounting, Postgres and the disk fail one after the other"),
    "unaccounted": fault("its worker is killed while the accounting is down", "FAILED, COMPLETED"),
    "waits while Postgres is away": fault("Postgres is restarted while its job waits"),
    "waits while slurmctld is away": fault("slurmctld is killed while its job waits"),
    "while Postgres is away": fault("Postgres is restarted while it works"),
    "while munged is away": fault("munged is down while its job ends"),
    "while slurmctld is away": fault("slurmctld is down while its job ends"),
}

NOT_TAKEN, SILENT = "This is tried again ", "SLURM has not answered since"
READ = """query ($id: ID!) { runOrError(runId: $id) { __typename } logsForRun(runId: $id, limit: 1) { __typename }
  assetsOrError { __typename } instance { daemonHealth { id } } }"""
SHORT = {"slurm/partition": "tiny", "slurm/time": "2"}


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    """With a log folder on a disk that is filled in no time."""
    folder = tmp_path_factory.mktemp("outages")
    with (
        small_disk(folder / "logs", "size=4m", "mode=755") as logs,
        serve(folder, cluster, LOAD, **ALLOCATION, log_folder=str(logs)) as served,
    ):
        yield served


@contextmanager
def without(cluster: Cluster, *daemons: str) -> Iterator[None]:
    """Daemons killed without warning, and started again in the opposite order."""
    for name in daemons:
        cluster.kill(name)
    try:
        yield
    finally:
        for name in reversed(daemons):
            cluster.start_daemon(name)


@pytest.fixture(scope="module")
def through(live: LiveSlurm) -> str:
    run_id, _ = launch_and_begin(live, "through", {"slurm/time": "60"})
    return run_id


def launch_in_vain(live: LiveSlurm, piece: str) -> str:
    """A run that stays STARTING because nobody takes its job, and says so."""
    run_id = live.launch(piece)
    live.wait("the run to say that it has no job", lambda: NOT_TAKEN in live.events_text(run_id))
    assert live.run(run_id).status.value == "STARTING" and live.job(run_id) is None
    return run_id


def launch_in_queue(live: LiveSlurm, piece: str) -> str:
    """A run whose job waits until the SLURM partition tiny is up again."""
    partition(live, "tiny", "DOWN")
    run_id = live.launch(piece, SHORT)
    live.wait("its job", lambda: live.job(run_id))
    saved = live.cluster.folder.root / "state" / "job_state"
    live.wait("slurmctld to save the job", lambda: run_id.encode() in saved.read_bytes())  # killed before, it would not know it again
    return run_id


def test_a_killed_slurmctld_delays_runs_and_fails_none(live: LiveSlurm, through: str) -> None:
    running, _ = launch_and_begin(live, "while slurmctld is away")
    queued = launch_in_queue(live, "waits while slurmctld is away")
    with without(live.cluster, "slurmctld"):
        launched = launch_in_vain(live, "launched while slurmctld is away")
        gate(live, "while slurmctld is away").touch()
        live.wait_for(running, "SUCCESS")
        for run_id in (queued, through, launched):
            live.wait("the outage to be told", lambda run_id=run_id: SILENT in live.events_text(run_id))
            assert live.run(run_id).tags[tags.PENDING].startswith(SILENT)
        assert live.run(through).status.value == "STARTED" and live.run(queued).status.value == "STARTING"
    partition(live, "tiny", "UP")
    for run_id in (running, queued, launched):
        [told] = ended(live, run_id, 1)
        assert told.count(NOT_TAKEN) == (run_id == launched) and told.count(SILENT) <= 1
    assert len(re.findall("submitted: |taken over", live.events_text(launched))) == 1
    live.wait("the end of the outage to be shown", lambda: live.run(through).tags[tags.PENDING] == "-")


@pytest.mark.usefixtures("through")
def test_without_munged_runs_wait_and_none_fails(live: LiveSlurm) -> None:
    running, _ = launch_and_begin(live, "while munged is away")
    with without(live.cluster, "munged"):
        launched = launch_in_vain(live, "launched while munged is away")
        gate(live, "while munged is away").touch()
        live.wait_for(running, "SUCCESS")
    ended(live, running, 1)
    ended(live, launched, 1)


@pytest.mark.usefixtures("through")
def test_without_the_accounting_the_end_of_a_job_is_told_all_the_same(live: LiveSlurm) -> None:
    piece = "unaccounted"
    run_id = live.launch(piece, until=str(gate(live, piece)), signal=9)
    live.began(piece)
    with without(live.cluster, "slurmdbd", "mariadbd"):
        gate(live, piece).touch()
        first, _ = ended(live, run_id, 2)
    assert "FAILED on" in first and "Signal 9 (SIGKILL) ended it" in first and "It ran 0:00:" in first


def _answers(live: LiveSlurm, run_id: str) -> bool:
    """Whether the web server reads runs and events. Of a connection that broke while it was idle, it says so once, with status 500."""
    try:
        return bool(live.ask(READ, {"id": run_id}))
    except OSError:
        return False


@pytest.mark.usefixtures("through")
def test_runs_at_work_do_not_notice_that_postgres_is_restarted(live: LiveSlurm) -> None:
    running, _ = launch_and_begin(live, "while Postgres is away")
    queued = launch_in_queue(live, "waits while Postgres is away")
    live.postgres.stop()
    live.postgres.start()
    gate(live, "while Postgres is away").touch()
    partition(live, "tiny", "UP")
    live.wait("the web server to answer again", lambda: _answers(live, running))
    launched = live.launch("after Postgres was away")
    for run_id in (running, queued, launched):
        ended(live, run_id, 1)


@pytest.mark.usefixtures("through")
def test_on_a_full_disk_jobs_end_well_and_launches_wait(live: LiveSlurm) -> None:
    running, _ = launch_and_begin(live, "on a full disk")
    logs = Path(live.run(running).tags[tags.LOG]).parents[2]
    queued = launch_in_queue(live, "begins on a full disk")
    with fill(logs):
        partition(live, "tiny", "UP")
        launched = launch_in_vain(live, "launched on a full disk")
        assert "No space left on device" in live.events_text(launched)
        gate(live, "on a full disk").touch()
        live.wait_for(running, "SUCCESS")
        live.wait_for(queued, "SUCCESS")
        assert live.run(launched).status.value == "STARTING"
    live.wait("no half-written file to be left", lambda: not list(logs.rglob(".queue.json-*")))
    for run_id in (running, queued, launched):
        ended(live, run_id, 1)


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, through: str, record_property: Callable[[str, object], None]
) -> None:
    gate(live, "through").touch()
    ended(live, through, 1)
    assert [len(service.deaths) for service in live.services.all] == [0] * 4
    judge(live, "outages", FAULTS, record_property)
