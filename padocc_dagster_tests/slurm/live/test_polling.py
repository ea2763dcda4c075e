"""What many runs cost a real cluster in calls."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from padocc_dagster.slurm.launcher import SlurmRunLauncher
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import run_of
from padocc_dagster_tests.slurm.desk import INSTANCE, Desk
from padocc_dagster_tests.slurm.live.shims import Shims
from tools.slurm_cluster.cluster import Cluster

RUNS = 60
POLL_SECONDS = 3
LAUNCHER = {"module": "padocc_dagster.slurm", "class": "SlurmRunLauncher"}


@pytest.fixture
def shims(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shims]:
    """Counts the calls to a cluster whose node starts nothing."""
    shims = Shims(tmp_path / "shims")
    cluster.drain()
    monkeypatch.setenv("PATH", f"{shims.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_CONF", cluster.environment()["SLURM_CONF"])
    yield shims
    cluster.resume()


def test_waiting_runs_cost_one_squeue_a_poll_and_a_launch_one_sbatch_and_one_lookup(
    shims: Shims, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    config = {"log_folder": str(tmp_path / "logs"), "poll_interval_seconds": POLL_SECONDS, "warm": False}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({**INSTANCE, "run_launcher": {**LAUNCHER, "config": config}}))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, SlurmRunLauncher)
        desk = Desk(instance, None, launcher.settings, launcher.client)
        began = time.monotonic()
        runs = [desk.run() for _ in range(RUNS)]
        for run in runs:
            assert desk.submit(run)
        launched = time.monotonic() - began
        lookups = [argv for argv in shims.calls("squeue") if any(word.startswith("--name=") for word in argv)]
        assert (len(shims.calls("sbatch")), len(lookups)) == (RUNS, RUNS)

        watched = watch(launcher, [desk.now(run) for run in runs], 4 * POLL_SECONDS)
        polls = len(shims.calls("squeue")) - len(lookups)
        assert 2 <= polls <= (launched + watched) / POLL_SECONDS + 1
        assert desk.own(runs[-1])[tags.PENDING] != "-"
        assert not shims.calls("sacct") and not shims.calls("scontrol")

        for run in runs:
            instance.report_run_canceled(run)
        watch(launcher, [], 2 * POLL_SECONDS)
        assert 1 <= len(shims.calls("scancel")) <= 4
        ours = launcher.settings.log_folder.instance_id()
        assert not [job for job in launcher.client.queue() if run_of(job.comment, ours) and not job.is_over]
    record_property(
        "figure",
        f"{RUNS} runs: launched in {launched:.0f} s with {RUNS} sbatch and {RUNS} lookups; watched {watched:.0f} s "
        f"with a poll every {POLL_SECONDS} s by {polls} squeue; cancelled by {len(shims.calls('scancel'))} scancel",
    )


def watch(launcher: SlurmRunLauncher, runs: list[dg.DagsterRun], seconds: float) -> float:
    """Ask for the runs' health, as the daemon does, and reconcile, as the sensor does, over and over. Returns how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        for run in runs:
            assert launcher.check_run_worker_health(run).status.value == "RUNNING"
        launcher.reconcile()
    return time.monotonic() - began
