"""SLURM's own commands, asked about this cluster alone."""

import os
import subprocess

from ..private.folder import ClusterError
from .folder import Folder


def environment(folder: Folder) -> dict[str, str]:
    """The caller's environment, but for the settings of some other cluster in it."""
    others = ("SLURM_", "SBATCH_", "SQUEUE_", "SINFO_", "SACCT_", "SCANCEL_", "SALLOC_", "SRUN_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {"SLURM_CONF": str(folder.slurm_conf)}


def run(folder: Folder, *arguments: str, seconds: float = 30) -> str:
    """What the command printed; ClusterError with its words when it fails."""
    try:
        done = subprocess.run(arguments, env=environment(folder), capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{' '.join(arguments)} did not answer within {seconds:.0f} seconds") from None
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def answers(folder: Folder, *arguments: str) -> bool:
    """Whether the command succeeds now."""
    try:
        run(folder, *arguments, seconds=5)
    except ClusterError:
        return False
    return True
