"""A folder that has to be there and take files. Rights alone do not tell: a disk may be full or mounted read-only.

The launcher's log folder must also link and lock files, which not every network file system does.
"""

import os
from contextlib import suppress
from pathlib import Path

from padocc_dagster.doctor.line import Line, Verdict, ok, wrong
from padocc_dagster.pipeline.workdir.disks import FULL, sentence
from padocc_dagster.slurm.folders import LogFolder

ELSEWHERE = "set log_folder in the launcher's config"
LOCK_SECONDS = 5.0


def check_folder(subject: str, path: Path, remedy: str) -> Line:
    """Whether a file can be written there. `remedy` is what to do when there is no such folder."""
    if not path.is_dir():
        there = "is not a folder" if path.exists() else "is not there"
        return wrong(subject, f"{path} {there}: {remedy}")
    probe = path / f".doctor-{os.urandom(8).hex()}"
    try:
        probe.write_text("a test whether this folder is writable\n")
    except OSError as error:
        if error.errno in FULL:
            return wrong(subject, f"{sentence(path)}: free space on it, or have it or your quota made larger")
        return wrong(subject, f"{path} takes no file ({error.strerror}): give user {os.getuid()} the right to write there")
    finally:
        with suppress(OSError):
            probe.unlink()
    return ok(subject, f"{path} is writable")


def check_log_folder(folder: LogFolder) -> Line:
    """Whether the launcher can work there: it makes the folder, names its instance in it, and locks files."""
    path = folder.root
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return wrong("log folder", f"{path} cannot be made ({error.strerror}): {ELSEWHERE}")
    line = check_folder("log folder", path, ELSEWHERE)
    if line.verdict is not Verdict.OK:
        return line
    try:
        folder.instance_id()
    except OSError as error:
        why = f"{path / 'instance-id'} cannot be made or read ({error.strerror}), for which files must be linked"
        return wrong("log folder", f"{why}: {ELSEWHERE} to one on another file system")
    if not _can_lock(path):
        return wrong("log folder", f"no file in {path} can be locked: {ELSEWHERE} to one on a file system with flock (`man 2 flock`)")
    return ok("log folder", f"{path} is writable, and files in it can be linked and locked")


def _can_lock(folder: Path) -> bool:
    from filelock import FileLock

    probe = folder / f".doctor-{os.urandom(8).hex()}.lock"
    try:
        with FileLock(probe, timeout=LOCK_SECONDS):
            return True
    except (OSError, NotImplementedError):  # a timeout is an OSError
        return False
    finally:
        with suppress(OSError):
            probe.unlink()
