"""The list of source files of a project, guarded: PADOCC makes a smaller product from a shortened list without a word."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir


class SourceNotFoundError(Exception):
    """Source files of the project are not at the paths in its list (PADOCC's class of the same name, `padocc/core/errors.py:437`)."""


def list_digest(files: Iterable[str]) -> str:
    """SHA-256 of the set of paths, independent of their order."""
    return hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()


def read_sources(workdir: Workdir, project: Project) -> list[str]:
    """The project's source files in their stored order.

    Raises CorruptFileError when the list is not the one the project was initialised with, and SourceNotFoundError naming the
    files that are gone.
    """
    files = read_lines(workdir.allfiles(project))
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    remedy = "initialise the project again from its group config"
    recorded = base.get("padocc_dagster", {}).get("sources")
    if not files or (recorded and recorded != list_digest(files)):
        raise CorruptFileError(f"{workdir.allfiles(project)} is not the list the project was initialised with: {remedy}")
    if detail.get("num_files") not in (None, len(files)):
        raise CorruptFileError(
            f"{workdir.allfiles(project)} has {len(files)} files, {detail['num_files']} were found at initialisation: {remedy}"
        )
    gone = [file for file in files if not Path(file).is_file()]
    if gone:
        shown = ", ".join(gone[:3])
        raise SourceNotFoundError(f"{len(gone)} of {len(files)} source files are gone ({shown}): edit the pattern and {remedy}")
    return files


def keep_order(workdir: Workdir, project: Project, files: Iterable[str], confirmed: bool) -> None:
    """Store the files in this order, and set for PADOCC whether the order is confirmed (`padocc/phases/compute.py:511`)."""
    files = list(files)
    write_lines(workdir.allfiles(project), files)
    base = read_json(workdir.base_cfg(project))
    base["order_confirmed"] = confirmed
    base.setdefault("padocc_dagster", {})["sources"] = list_digest(files)
    write_json(workdir.base_cfg(project), base)


def keep_checksums(workdir: Workdir, project: Project, checksums: Mapping[str, str]) -> None:
    """Store the checksums of a catalogue; without any, remove those stored before."""
    if checksums:
        write_json(workdir.checksums(project), dict(checksums))
    else:
        workdir.checksums(project).unlink(missing_ok=True)


def source_checksums(workdir: Workdir, project: Project) -> dict[str, str]:
    """Path → checksum of the source files for which a catalogue gave one when the project was selected last."""
    path = workdir.checksums(project)
    return read_json(path) if path.exists() else {}


def total_bytes(files: Iterable[str]) -> int:
    """Bytes of the source files together."""
    return sum(Path(file).stat().st_size for file in files)


def readable_size(size: float) -> str:
    """Bytes in decimal units, as PADOCC prints them (`padocc/core/utils.py:189`)."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:.4g} PB"
