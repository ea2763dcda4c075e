"""What a worker sees of the environment."""

import os
from pathlib import Path

import padocc_dagster

PASSED_ON = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV")
SETTINGS = {
    "HDF5_USE_FILE_LOCKING": "FALSE",  # archives are often mounted read-only or over NFS, where HDF5's locks fail
    "OMP_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "MPLBACKEND": "Agg",
}


def clean_environment() -> dict[str, str]:
    """Neither SLURM's variables nor PADOCC's, no passwords, no `PYTHON…` settings."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**environment, **SETTINGS, "PYTHONPATH": str(Path(padocc_dagster.__file__).parents[1])}
