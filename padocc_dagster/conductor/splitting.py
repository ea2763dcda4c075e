"""How far one run takes a project: through all phases that are left, or through the scan alone, from which the rest is sized."""

import os

import dagster as dg

from padocc_dagster.partitions import ADVANCED
from padocc_dagster.pipeline.running.estimate import SMALL_BYTES, SMALL_FILES
from padocc_dagster.pipeline.workdir.files import read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir


def phases_together(workdir: Workdir, project: Project, phase: str, instance: dg.DagsterInstance) -> tuple[str, ...]:
    """The phases that one run takes the project through, from the one that is due."""
    left = ADVANCED[ADVANCED.index(phase) :]
    sized = getattr(instance.run_launcher, "sizes_runs", False)
    return left if phase != "scan" or not sized or _is_small(workdir, project) else left[:1]


def _is_small(workdir: Workdir, project: Project) -> bool:
    files = read_lines(workdir.allfiles(project))
    try:
        return len(files) <= SMALL_FILES and sum(os.stat(file).st_size for file in files) <= SMALL_BYTES
    except OSError:
        return True  # the scan reports which file is missing
