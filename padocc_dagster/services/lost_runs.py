"""What is put in order before the daemon starts: runs that no process works for are reported as failed, so that Dagster retries them; a
launcher that knows jobs outside this machine compares them with the runs itself (`SlurmRunLauncher.reconcile`).

`LocalRunLauncher` knows which runs have a process. Dagster's default launcher does not know whether a worker of an earlier code server
is alive (`dagster/_core/launcher/default_run_launcher.py` has no health check), but `padocc-dagster up` has ended them all. It runs this
file as `python -m padocc_dagster.services.lost_runs <seconds since 1970>`, with DAGSTER_HOME in the environment.

Prints sentences for the person who starts the services. Exit status: 0, or `os.EX_CONFIG` when these say what is wrong in dagster.yaml.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance


def put_in_order(before: datetime) -> list[str]:
    """See to the unfinished runs that were launched before that time. Returns what a person should know, a sentence each."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        if not hasattr(instance.run_launcher, "reconcile"):
            lost = report_lost_runs(instance, before)
            return [f"{len(lost)} run(s) have lost their process; Dagster retries them: {', '.join(lost)}"] if lost else []
        try:
            instance.run_launcher.reconcile()
        except Exception as error:  # the sensor and the daemon try again
            return [f"Runs and jobs could not be compared yet, which is tried again: {type(error).__name__}: {error}"]
    return []


def report_lost_runs(instance: "DagsterInstance", before: datetime) -> list[str]:
    """Report the unfinished runs that were launched before that time and have no process any more, and return their ids.

    Runs that somebody executes in a process of their own are not touched.
    """
    from dagster import DagsterRunStatus, RunsFilter

    from padocc_dagster.dagster_private import report_canceled, report_worker_lost, runs_in_code_server
    from padocc_dagster.local import LocalRunLauncher

    launcher = instance.run_launcher
    local = launcher if isinstance(launcher, LocalRunLauncher) else None
    unfinished = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    lost = []
    for run in instance.get_runs(RunsFilter(statuses=unfinished, updated_before=before)):
        if local.has_worker(run) if local else not runs_in_code_server(run):
            continue
        if run.status is DagsterRunStatus.CANCELING:
            report_canceled(instance, run, "The run's process ended while the run was being cancelled.")
        else:
            report_worker_lost(instance, run, "The run's process ended when padocc-dagster's services did.")
        lost.append(run.run_id)
    if local:
        local.forget_finished()
    return lost


def main(before: datetime) -> int:
    """Check dagster.yaml, then put the runs in order. Returns the exit status."""
    from padocc_dagster.services.instance import InstanceProblem, launcher
    from padocc_dagster.slurm.yaml_fields import NotRead, load

    home = Path(os.environ["DAGSTER_HOME"])
    try:
        launcher(home, load(home / "dagster.yaml") or {})
    except (InstanceProblem, NotRead) as problem:
        print(problem)
        return os.EX_CONFIG
    for sentence in put_in_order(before):
        print(sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main(datetime.fromtimestamp(float(sys.argv[1]), UTC)))
