"""Reading and writing PADOCC's small files so that nobody ever sees half a file.

PADOCC truncates a file and then writes it (`padocc/core/filehandlers.py:377,573`), and reads a damaged JSON file as an empty one
(`:545`), losing the pattern, the version and the options without a word. Here a file is replaced in one rename, and a damaged
one is refused.
"""

import errno
import io
import json
import os
import secrets
from pathlib import Path
from typing import Any

ATTEMPTS = 200
REMEDY = "restore it from a backup, or initialise the project again from its group config"


class CorruptFileError(Exception):
    """A file of the working directory cannot be what PADOCC or this package wrote."""


def write_text(path: Path, text: str, synced: bool = True) -> None:
    """Replace the file in one step: written beside it, on to the disk if `synced`, then renamed over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(beside, "x", encoding="utf-8") as file:
            file.write(text)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_bytes(path: Path) -> bytes:
    """Read a file that other processes replace.

    On NFS it is stale when that happens between its opening and its reading: then the new one is opened. Raises OSError as `open` does.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return path.read_bytes()
        except OSError as error:
            if error.errno != errno.ESTALE or attempt == ATTEMPTS:
                raise
    raise AssertionError


def read_text(path: Path, errors: str = "strict") -> str:
    """Read such a file as UTF-8, with \\n for each line break. Raises UnicodeDecodeError, too, unless `errors` says otherwise."""
    return io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8", errors=errors).read()


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step. A value that JSON cannot hold leaves the old file as it was."""
    write_text(path, json.dumps(value))


def write_lines(path: Path, lines: list[str]) -> None:
    """Replace a list file as PADOCC writes it: one entry a line, no newline at the end."""
    write_text(path, "\n".join(lines))


def read_json(path: Path, remedy: str = REMEDY) -> dict[str, Any]:
    """Read a JSON object. Raises CorruptFileError, with what to do, when the file is missing, damaged or not an object."""
    try:
        value = json.loads(read_text(path))
    except FileNotFoundError:
        raise CorruptFileError(f"{path} is missing: {remedy}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptFileError(f"{path} is not valid JSON ({error}): {remedy}") from None
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path} holds a {type(value).__name__}, expected an object: {remedy}")
    return value


def append_text(log: Path, text: str) -> None:
    """Add to a log, which need not be there yet."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        file.write(text)


def last_lines(log: Path, count: int = 30) -> tuple[str, ...]:
    """The end of a log; nothing when there is none."""
    try:
        return tuple(read_text(log, "replace").splitlines()[-count:])
    except FileNotFoundError:
        return ()


def read_lines(path: Path) -> list[str]:
    """Read a list file, without blank lines. A missing file is an empty list."""
    try:
        return [line for line in read_text(path).splitlines() if line.strip()]
    except FileNotFoundError:
        return []
