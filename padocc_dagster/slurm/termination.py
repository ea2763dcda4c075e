"""Cancelling a run from any process: the job is asked to end, given time, and killed by its own host process after that."""

from typing import TYPE_CHECKING

from padocc_dagster.slurm import tags
from padocc_dagster.slurm.client import Client, SlurmError
from padocc_dagster.slurm.events import tell
from padocc_dagster.slurm.identity import files_of, is_of

if TYPE_CHECKING:
    from dagster import DagsterInstance

CANCEL_SIGNAL = "USR1"
"""Tells the job's host that a person cancelled the run. SLURM itself sends SIGTERM, which means something else (`host.py`)."""


def terminate(instance: "DagsterInstance", run_id: str, client: Client) -> bool:
    """Cancel the run. Where SLURM does not answer, the run stays CANCELING and the reconciler asks again."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return False
    instance.report_run_canceling(run)
    told, files = tags.own(run_id, run.tags), files_of(run)
    if files is None or not told[tags.JOB_ID].isdigit():
        return True
    job_id = int(told[tags.JOB_ID])
    try:
        job = client.show(job_id)
        if job is None or job.is_over or not is_of(job, run):
            return True
        if not job.is_pending:
            client.signal(job_id, CANCEL_SIGNAL)
            return True
        client.cancel([job_id])
    except SlurmError as error:
        sentence = f"SLURM job {job_id} could not be told to end: {error}. It is told again as soon as SLURM answers."
        tell(instance, run, sentence, files, job_id)
        return True
    instance.report_run_canceled(run, f"SLURM job {job_id} was cancelled before it began.")
    return True
