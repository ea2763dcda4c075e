"""The version that a project gets when it is initialised anew."""

import contextlib
import re

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.pipeline.workdir.withdrawn import withdrawals


def next_version(workdir: Workdir, project: Project) -> str:
    """The version for a project initialised anew: beyond all that is or was published of it in any format, which is not touched any more.

    What it published in another group, before it was moved, is known by its status log only.
    """
    rows = read_rows(workdir.status_log(project))
    try:
        current = read_json(workdir.base_cfg(project))["version_no"]
        rows = rows[max((number for number, row in enumerate(rows) if row.phase == "init"), default=0) :]
    except (CorruptFileError, KeyError):
        current = "1.0"
    shelf = workdir.completed / project.group
    names = [*(path.name for path in shelf.glob(f"{project.code}_*")), *(each.name for each in withdrawals(shelf))]
    revision = re.compile(rf"{re.escape(project.code)}_(?:k|kr|zr|c)(\d+)\.(\d+)")
    published = [tuple(map(int, found.groups())) for name in names if (found := revision.fullmatch(name))]
    now = tuple(map(int, current.split(".")))
    if any(row.phase == "complete" and row.verdict in (Verdict.OK, Verdict.WARNED) for row in rows):
        published.append(now)
    major, minor = max(published, default=(0, 0))
    return current if now > (major, minor) else f"{major}.{minor + 1}"


def keep_version(workdir: Workdir, project: Project, version: str) -> None:
    """Write the version before the row that hides the publication: killed in between, the same call goes beyond it once more."""
    with contextlib.suppress(CorruptFileError):
        base = read_json(workdir.base_cfg(project))
        if base.get("version_no") != version:
            write_json(workdir.base_cfg(project), {**base, "version_no": version})
