"""Full disks: whether an error says that one is full, and which one that is."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from padocc_dagster.pipeline.workdir.layout import Project, Workdir

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LITTLE_MIB = 1


class DiskFullError(OSError):
    """A disk has no room left. The message names it, and what to do."""


def full_disk(error: BaseException, workdir: Workdir, project: Project | None = None) -> DiskFullError | None:
    """The error that names the full disk; None for an error that has another cause.

    An error of writing into an open file names no file: then it is a disk of the working directory, or the one of temporary files.
    """
    cause = next((each for each in _chain(error) if isinstance(each, OSError) and each.errno in FULL), None)
    if cause is None:
        return None
    named = next((Path(os.fsdecode(name)) for name in (cause.filename2, cause.filename) if isinstance(name, str | bytes)), None)
    folders = (workdir.project_dir(project) if project else workdir.root, workdir.completed, Path(tempfile.gettempdir()))
    path = named or next(iter(full_folders(folders)), folders[0])
    return DiskFullError(f"{sentence(path)} ({os.strerror(cause.errno or 0)}). Free space on it, or have it or your quota made larger")


@contextmanager
def naming_full_disk(workdir: Workdir, project: Project | None = None) -> Iterator[None]:
    """Raises DiskFullError for an error within the block that comes of a full disk."""
    try:
        yield
    except OSError as error:
        if full := full_disk(error, workdir, project):
            raise full from error
        raise


def full_folders(folders: Iterable[Path]) -> list[Path]:
    """Those of the folders whose disks have no room left, one for each disk."""
    disks = {_mounted_at(folder): folder for folder in reversed([_existing(folder) for folder in folders])}
    return [folder for folder in reversed(disks.values()) if not _has_room(folder)]


def sentence(path: Path) -> str:
    """Which disk it is on which a file or folder is, and how much room is left there; without a full stop."""
    there = _existing(path)
    return f"the disk of {path} is full: {_mounted_at(there)} has {_free_mib(there)} MiB left"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, the oldest last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))


def _mounted_at(path: Path) -> Path:
    return next((each for each in (path, *path.parents) if each.is_mount()), Path("/"))


def _has_room(folder: Path) -> bool:
    """Whether it takes another file. Some file systems do not count files (`f_files` is 0)."""
    found = os.statvfs(folder)
    return _free_mib(folder) >= LITTLE_MIB and (found.f_favail > 0 or not found.f_files)


def _free_mib(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize // 2**20
