"""Where the source files of a project come from: a glob pattern, a list in the config, or a list file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from padocc_dagster.pipeline.names import path_problem
from padocc_dagster.selection.patterns import Listings, matched
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.source_files import good_files
from padocc_dagster.selection.text import Unreadable, read_text
from padocc_dagster.selection.tree import Fields, Node, text_of, texts_of

NONE: Mapping[str, str] = MappingProxyType({})
WAYS = ("pattern", "files", "file_list")


def find_sources(
    fields: Fields, line: int, folder: Path, listings: Listings, findings: Findings, substitutions: Mapping[str, str] = NONE
) -> tuple[str, tuple[str, ...]]:
    """The pattern or list file, and the source files in natural order. `line` is where the project begins.

    A relative list file starts at `folder`, and is given back as an absolute path, to be looked up again from elsewhere. Substitutions
    are made in the pattern and in listed paths, which are looked for afterwards; the pattern is given back as it was written.
    """
    given = [way for way in WAYS if way in fields]
    if not given:
        findings.add(line, "has no source files: give a pattern (in a CSV, column 2), files or file_list")
        return "", ()
    if len(given) > 1:
        findings.add(fields[given[1]].line, f"has {' and '.join(given)}: keep exactly one of them")
        return "", ()
    way, node = given[0], fields[given[0]]
    if way == "files":
        entries = texts_of(node, "files", findings)
        if node.value == []:
            findings.add(node.line, "files is an empty list: write one absolute path an entry")
        return "", good_files(substituted(entries, substitutions), findings)
    written = text_of(node, way, findings)
    if written is None:
        return "", ()
    if way == "file_list" and not written.endswith(".txt"):
        findings.add(node.line, f"file list {written!r} does not end in .txt, by which PADOCC knows a list: rename it")
        return written, ()
    if written.endswith(".txt"):
        path = str((folder / written).absolute()) if written else ""
        entries = substituted(listed(written, node.line, folder, findings), substitutions)
        return path, good_files(entries, findings, f" in file list {written!r}")
    (looked_for,) = substituted([Node(written, node.line)], substitutions)
    return written, good_files(matched(looked_for.value, node.line, listings, findings), findings)


def substituted(entries: Iterable[Node], substitutions: Mapping[str, str]) -> list[Node]:
    """The paths with texts replaced, one substitution after another as PADOCC makes them (`padocc/core/utils.py:392`)."""
    changed = []
    for entry in entries:
        path = entry.value
        for text, replacement in substitutions.items():
            path = path.replace(text, replacement)
        changed.append(Node(path, entry.line))
    return changed


def listed(written: str, line: int, folder: Path, findings: Findings) -> list[Node]:
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
    entries = [Node(entry, line) for entry in lines if entry and not entry.startswith("#")]
    if not entries:
        findings.add(line, f"{what} names no files: write one absolute path a line")
    return entries
