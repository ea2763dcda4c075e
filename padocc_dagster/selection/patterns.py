"""Glob patterns of source files: which are looked for, what they match, and why one matches nothing."""

import fnmatch
import glob
import os
import re
from bisect import bisect_left
from itertools import islice, takewhile
from pathlib import Path

from padocc_dagster.pipeline.names import path_problem
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.source_files import has_type, natural
from padocc_dagster.selection.tree import Node

LONGEST_PATH = 4096
Listings = dict[str, list[str]]
"""The sorted names in each folder that was listed, so that a thousand projects in one folder list it once."""


def matched(pattern: str, line: int, listings: Listings, findings: Findings) -> list[Node]:
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
    return [Node(path, line) for path in files]


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
