"""Dagster runs as SLURM jobs. In dagster.yaml: `run_launcher: {module: padocc_dagster.slurm, class: SlurmRunLauncher}`.

    request/      a batch job as text
    scheduler/    SLURM's programs and what they print
    node/         what runs in a job on its node
    runs/         runs and their jobs, from the submission to the end

This file loads none of them: `padocc_dagster.slurm.node.host` starts in every job and has to be quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padocc_dagster.slurm.launcher import SlurmRunLauncher

__all__ = ["SlurmRunLauncher"]


def __getattr__(name: str) -> Any:
    if name == "SlurmRunLauncher":
        from padocc_dagster.slurm.launcher import SlurmRunLauncher

        return SlurmRunLauncher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
