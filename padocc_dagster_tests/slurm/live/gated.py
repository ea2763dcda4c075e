"""The definitions, with the workers of `gated_worker.py`."""

from padocc_dagster.definitions import defs
from padocc_dagster.pipeline.running import call
from padocc_dagster_tests.slurm.live import gated_worker

__all__ = ["defs"]
call.WORKER_MODULE = gated_worker.__name__
