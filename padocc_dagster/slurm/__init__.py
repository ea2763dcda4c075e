"""Dagster runs as SLURM jobs. In dagster.yaml: `run_launcher: {module: padocc_dagster.slurm, class: SlurmRunLauncher}`.

This file loads nothing by itself, because `padocc_dagster.slurm.node.host` starts in every job and has to be quick.
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
