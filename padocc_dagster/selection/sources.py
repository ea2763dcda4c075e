"""Where the source files of a project come from: a glob pattern, a list in the config, or a list file."""

import fnmatch
import glob
import os
import re
from bisect import bisect_left
from collections.abc import Mapping
from itertools import islice, takewhile
from pathlib import Path
from types import MappingProxyType

from padocc_dagster.pipeline.workdir.names import path_problem
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.source_files import good_files, has_type, natural
from padocc_dagster.selection.text import Unreadable, read_text
from padocc_dagster.selection.validation import Part

NONE: Mapping[str, str] = MappingProxyType({})
WAYS = ("pattern", "files", "file_list")
LONGEST_PATH = 4096
Listings = dict[str, list[str]]
"""The sorted names in each folder that was listed, so that a thousand projects in one folder list it once."""


def find_sources(
    part: Part, folder: Path, listings: Listings, findings: Findings, substitutions: Mapping[str, str] = NONE
) -> tuple[str, tuple[str, ...]]:
    """The pattern or list file of a project, and the source files in natural order.

    A relative list file starts at `folder`, and is given back as an absolute path, to be looked up again from elsewhere. Substitutions
    are made in the pattern and in listed paths, which are looked for afterwards; the pattern is given back as it was written.
    What has another type than text was reported before.
    """
    ways = [way for way in WAYS if part.value.get(way) is not None]
    if not ways:
        findings.add(part.line(), "has no source files: give a pattern (in a CSV, column 2), files or file_list")
        return "", ()
    if len(ways) > 1:
        findings.add(part.line(ways[1]), f"has {' and '.join(ways)}: keep exactly one of them")
        return "", ()
    way, line, written = ways[0], part.line(*ways), part.value[ways[0]]
    if way == "files" and isinstance(written, list):
        if not written:
            findings.add(line, "files is an empty list: write one absolute path an entry")
        paths = [(path.strip(), part.line(way, number)) for number, path in enumerate(written) if isinstance(path, str)]
        return "", good_files([(substituted(path, substitutions), place) for path, place in paths], findings)
    if way == "files" or not isinstance(written, str):
        return "", ()
    written = written.strip()
    if way == "file_list" and not written.endswith(".txt"):
        findings.add(line, f"file list {written!r} does not end in .txt, by which PADOCC knows a list: rename it")
        return written, ()
    if written.endswith(".txt"):
        entries = [(substituted(path, substitutions), line) for path in listed(written, line, folder, findings)]
        return str((folder / written).absolute()), good_files(entries, findings, f" in file list {written!r}")
    found = matched(substituted(written, substitutions), line, listings, findings)
    return written, good_files([(path, line) for path in found], findings)


def substituted(path: str, substitutions: Mapping[str, str]) -> str:
    """A path with texts replaced, one substitution after another as PADOCC makes them (`padocc/core/utils.py:392`)."""
    for text, replacement in substitutions.items():
        path = path.replace(text, replacement)
    return path


def listed(written: str, line: int, folder: Path, findings: Findings) -> list[str]:
    """The entries of a list file, one path a line, without blank lines and `#` comments."""
    what = f"file list {written!r}"
    if problem := path_problem(written):
        findings.add(line, f"file list is not safe: {problem}")
        return []
    try:
        lines = [entry.strip() for entry in read_text(folder / written, what).split("\n")]
    except Unreadable as error:
        findings.add(line, str(error))
        return []
    entries = [entry for entry in lines if entry and not entry.startswith("#")]
    if not entries:
        findings.add(line, f"{what} names no files: write one absolute path a line")
    return entries


def matched(pattern: str, line: int, listings: Listings, findings: Findings) -> list[str]:
    """What fits a glob pattern; `**` as a whole component goes through all folders below.

    Folders that fit are passed over, unless they are named as a source file is.
    """
    problem = pattern_problem(pattern)
    if problem:
        findings.add(line, problem)
        return []
    paths = fitting(pattern, listings)
    files = [path for path in paths if has_type(path) or not os.path.isdir(path)]
    if not paths:
        findings.add(line, f"pattern {pattern!r} matches nothing: {where_it_ends(pattern)}")
    elif not files:
        folders = some(sorted(paths, key=natural))
        findings.add(line, f"pattern {pattern!r} matches folders only: {folders}; add the names of the files, as in /*.nc")
    return files


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern is not looked for."""
    if len(pattern) > LONGEST_PATH:
        return f"pattern '{pattern[:40]}…' has {len(pattern)} characters: a path has at most {LONGEST_PATH}"
    if "://" in pattern:
        return f"pattern {pattern!r} is an address: PADOCC 1.5.1 reads local files only, so give an absolute path"
    if unsafe := path_problem(pattern):
        return f"pattern is not safe: {unsafe}"
    if not pattern.startswith("/"):
        return f"pattern {pattern!r} is not an absolute path: begin it with '/'"
    if ".." in pattern.split("/"):
        return f"pattern {pattern!r} goes through '..': write the path without it"
    return None


def fitting(pattern: str, listings: Listings) -> list[str]:
    """What `glob.glob(pattern, recursive=True)` finds, without repetition.

    A folder is listed once, and of its names only those with the right beginning are looked at.
    """
    folder, name = os.path.split(pattern)
    if glob.has_magic(folder) or not glob.has_magic(name) or name == "**":
        return list(dict.fromkeys(glob.glob(pattern, recursive=True)))
    if folder not in listings:
        try:
            listings[folder] = sorted(os.listdir(folder))
        except OSError:
            listings[folder] = []
    names, beginning = listings[folder], re.split(r"[*?\[]", name, maxsplit=1)[0]
    candidates = takewhile(lambda entry: entry.startswith(beginning), islice(names, bisect_left(names, beginning), None))
    return [os.path.join(folder, entry) for entry in fnmatch.filter(candidates, name) if name[0] == "." or entry[0] != "."]


def where_it_ends(pattern: str) -> str:
    """How far along a pattern that matches nothing there is something."""
    reached = Path("/")
    for part in Path(pattern).parts[1:]:
        if glob.has_magic(part) or not os.access(reached, os.X_OK, effective_ids=True):
            break
        if not (reached / part).exists():
            return f"{str(reached / part)!r} does not exist; correct the path"
        reached /= part
    if not reached.is_dir():
        return f"{str(reached)!r} is no folder; correct the path"
    if not os.access(reached, os.R_OK | os.X_OK, effective_ids=True):
        return f"the folder {str(reached)!r} may not be read; ask for permission"
    hint = "; braces {} are not expanded" if "{" in pattern else ""
    return f"{str(reached)!r} exists and holds nothing that fits; correct the rest of the pattern{hint}"
