"""Single source files: whether each can be one, by its name, kind, size and permissions, without opening it."""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator

from padocc_dagster.pipeline.workdir.names import path_problem
from padocc_dagster.selection.problems import Findings, some

TYPES = ("nc", "tif")
"""What PADOCC 1.5.1 takes, by the name's end (`padocc/core/utils.py:36`)."""

FAULTS = {
    "unsafe": ("the path holds control, shell or non-ASCII characters, or '..'", "rename or link them"),
    "relative": ("not an absolute path", "begin each with '/'"),
    "type": ("a type that PADOCC 1.5.1 refuses, it takes .nc and .tif only", "narrow the pattern, or link them with such names"),
    "missing": ("does not exist, or is a link that leads nowhere", "correct the paths or restore the files"),
    "folder": ("a folder", "name the files in it"),
    "special": ("not an ordinary file", "leave it out"),
    "denied": ("may not be read by this user", "ask for read permission on the files and their folders"),
    "empty": ("empty (0 bytes)", "copy them again or leave them out"),
    "remote": (
        "an address that no rule brings to this machine",
        "write its beginning and the folder for it in `paths`, {https://host/archive: /archive}",
    ),
    "twice": ("there already, under the same or another name", "keep each file once"),
}
"""What can be wrong with a file, and what to do."""
Listed = tuple[str, int]
"""A path, and its line in the config."""
Faults = dict[str, list[Listed]]
"""A key of FAULTS → the files that have it."""


def good_files(entries: list[Listed], findings: Findings, where: str = "") -> tuple[str, ...]:
    """The good files in natural order. What is wrong with others is reported by kind, with the count and the first three names."""
    faults: Faults = defaultdict(list)
    good = sound_files(entries, faults)
    for line, text in problems_of(faults, len(entries), where):
        findings.add(line, text)
    return tuple(sorted(good, key=natural))


def sound_files(entries: Iterable[Listed], faults: Faults) -> list[str]:
    """The good files of one project, in the order given; the others go to the faults."""
    seen: set[tuple[int, int] | str] = set()
    good = []
    for path, line in entries:
        fault, identity = fault_of(path)
        if fault or identity in seen or path in seen:
            faults[fault or "twice"].append((path, line))
        else:
            good.append(path)
        seen.update({path, identity or path})
    return good


def problems_of(faults: Faults, count: int, where: str = "") -> Iterator[tuple[int, str]]:
    """A line and a sentence for each kind of fault: how many of so many files have it, and the first three names."""
    for fault, listed in faults.items():
        listed.sort(key=lambda entry: (entry[1], natural(entry[0])))
        what, remedy = FAULTS[fault]
        yield listed[0][1], f"{len(listed)} of {count} source files{where}: {what}: {some([path for path, _ in listed])}; {remedy}"


def fault_of(path: str) -> tuple[str | None, tuple[int, int] | None]:
    """The first thing that is wrong with a source file (a key of FAULTS), and which file it is, under any name."""
    if path_problem(path) or ".." in path.split("/"):
        return "unsafe", None
    if not path.startswith("/"):
        return "relative", None
    try:
        status = os.stat(path)
    except PermissionError:
        return "denied", None
    except OSError:
        return "missing", None
    identity = status.st_dev, status.st_ino
    if stat.S_ISDIR(status.st_mode):
        return "folder", identity
    if not stat.S_ISREG(status.st_mode):
        return "special", identity
    if not has_type(path):
        return "type", identity
    if not status.st_size:
        return "empty", identity
    return None if os.access(path, os.R_OK, effective_ids=True) else "denied", identity


def has_type(path: str) -> bool:
    return path.rpartition(".")[2] in TYPES


def natural(path: str) -> tuple[list[str | tuple[int, str]], str]:
    """A sort key by which m_2 comes before m_10; digits are compared by length, then as text, so that no number is too long."""
    parts = re.split("([0-9]+)", path)
    numbers = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    key: list[str | tuple[int, str]] = list(parts)
    key[1::2] = numbers
    return key, path
