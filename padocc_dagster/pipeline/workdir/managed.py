"""Which groups are managed here: those that were initialised or adopted. Others in the working directory are left alone.

groups/<group>/padocc_dagster/managed
"""

from pathlib import Path

from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Workdir


def is_managed(workdir: Workdir, group: str) -> bool:
    """Whether the group was initialised or adopted here."""
    return _marker(workdir, group).exists()


def manage(workdir: Workdir, group: str) -> None:
    """Advance the group's projects from now on."""
    if not is_managed(workdir, group):
        write_text(_marker(workdir, group), "The projects of this group are advanced by padocc-dagster.\n")


def _marker(workdir: Workdir, group: str) -> Path:
    return workdir.group_dir(group) / "padocc_dagster" / "managed"
