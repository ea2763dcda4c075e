"""A folder that has to be there and take files. Rights alone do not tell: a disk may be full or mounted read-only."""

import os
from contextlib import suppress
from pathlib import Path

from padocc_dagster.doctor.line import Line, ok, wrong


def check_folder(subject: str, path: Path, remedy: str) -> Line:
    """Whether a file can be written there. `remedy` is what to do when there is no such folder."""
    if not path.is_dir():
        there = "is not a folder" if path.exists() else "is not there"
        return wrong(subject, f"{path} {there}: {remedy}")
    probe = path / f".doctor-{os.urandom(8).hex()}"
    try:
        probe.write_text("a test whether this folder is writable\n")
    except OSError as error:
        return wrong(subject, f"{path} takes no file ({error.strerror}): give user {os.getuid()} the right to write there, and space")
    finally:
        with suppress(OSError):
            probe.unlink()
    return ok(subject, f"{path} is writable")
