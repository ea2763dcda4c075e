"""Keeps runs and SLURM jobs in agreement, where the instance runs on SLURM.

Waiting runs say why, runs whose job has ended are told how, runs without a job get one, jobs whose run is over are cancelled. SLURM is
asked once in the launcher's poll interval, however often this looks.
"""

import dagster as dg


@dg.sensor(minimum_interval_seconds=20, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def slurm_jobs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    if type(context.instance.run_launcher).__name__ != "SlurmRunLauncher":  # its module is not loaded where it is not used
        return dg.SkipReason("The instance does not run on SLURM.")
    findings = context.instance.run_launcher.reconcile()  # type: ignore[attr-defined]  # a SlurmRunLauncher
    for run_id, error in (findings.errors if findings else {}).items():
        context.log.error(f"run {run_id}: {error}")
    return dg.SkipReason(str(findings) if findings else "SLURM was asked within the poll interval, or is being asked.")
