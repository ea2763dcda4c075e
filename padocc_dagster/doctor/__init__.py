"""Whether a deployment will work, checked before anything runs: `padocc-dagster doctor`.

It knows Dagster and `padocc_dagster.slurm`, not PADOCC.

This file loads nothing, because `padocc_dagster.doctor.node` starts in a job.
"""
