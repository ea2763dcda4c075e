"""Keeps runs and SLURM jobs in agreement, where the instance runs on SLURM.

Waiting runs show why they wait, runs whose job has ended show how, runs without a job get one, jobs whose run is over are cancelled. SLURM
gets one request in the launcher's poll interval, however often this looks.
"""

import dagster as dg

from padocc_dagster.sensors.launchers import is_launcher


def is_used() -> bool:
    """Whether the instance's dagster.yaml names the launcher."""
    return is_launcher("padocc_dagster.slurm")


@dg.sensor(minimum_interval_seconds=20, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def slurm_jobs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    launcher = context.instance_ref.run_launcher_data if context.instance_ref else None
    if launcher is None or launcher.class_name != "SlurmRunLauncher":  # seen without opening the instance, which takes longer than all else
        return dg.SkipReason("The instance does not run on SLURM.")
    findings = context.instance.run_launcher.reconcile()  # type: ignore[attr-defined]  # a SlurmRunLauncher
    for run_id, error in (findings.errors if findings else {}).items():
        context.log.error(f"run {run_id}: {error}")
    return dg.SkipReason(str(findings) if findings else "The queue was read within the poll interval, or is being read.")
