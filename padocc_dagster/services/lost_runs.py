"""What is put in order before the daemon starts: runs whose worker is gone without a word are reported as failed, so that Dagster
repeats them, and a launcher that knows jobs outside this machine looks at them first (`SlurmRunLauncher.reconcile`).

Dagster's default launcher cannot tell whether a worker of an earlier code server is alive
(`dagster/_core/launcher/default_run_launcher.py` has no health check): such a run would stay "started" for ever, hold its slot
and keep automation waiting. `padocc-dagster up` knows that none is alive, because it has ended them all, and runs this file as
`python -m padocc_dagster.services.lost_runs <seconds since 1970>`, with DAGSTER_HOME in the environment.
"""

import sys
from datetime import UTC, datetime


def report_lost_runs(before: datetime) -> list[str]:
    """Report the unfinished runs that a code server was given before that time, and return their ids.

    Runs that somebody executes in a process of their own are not touched.
    """
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
    from dagster._core.events import JobFailureData, RunFailureReason
    from dagster._core.storage.tags import GRPC_INFO_TAG

    unfinished = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    lost = []
    with DagsterInstance.get() as instance:
        for run in instance.get_runs(RunsFilter(statuses=unfinished, updated_before=before)):
            if GRPC_INFO_TAG not in run.tags:
                continue
            if run.status is DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, "The run's worker was ended while the run was being cancelled.")
            else:
                reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
                instance.report_run_failed(run, "The run's worker ended when padocc-dagster's code server did.", reason)
            lost.append(run.run_id)
        if hasattr(instance.run_launcher, "reconcile"):
            instance.run_launcher.reconcile()
    return lost


if __name__ == "__main__":
    print("\n".join(report_lost_runs(datetime.fromtimestamp(float(sys.argv[1]), UTC))))
