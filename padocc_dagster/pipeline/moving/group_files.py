"""A group's own files with its projects, lists and rows: entries copied to another group, or removed.

Each function can be called again after it was interrupted anywhere. The locks of the groups are held.
"""

from collections.abc import Collection
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import read_lines, write_lines, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed, manage


def give(workdir: Workdir, source: str, target: str, codes: Collection[str], subsets: bool = False) -> None:
    """Copy the source's entries of these projects to the target: the faultlist first, the main list last, so that nothing starts early."""
    _give_rows(workdir.faultlist(source), workdir.faultlist(target), codes, {})
    paths = {code: [workdir.allfiles(Project(group, code)) for group in (source, target)] for code in codes}
    _give_rows(workdir.datasets_csv(source), workdir.datasets_csv(target), codes, paths)
    for name in subset_names(workdir, source) if subsets else ():
        _list(workdir.subset_list(target, name), [code for code in read_lines(workdir.subset_list(source, name)) if code in codes])
    if is_managed(workdir, source):
        manage(workdir, target)
    _list(workdir.main_list(target), codes)


def take_off(workdir: Workdir, group: str, codes: Collection[str]) -> None:
    """Remove these projects from the group's files.

    A group without projects keeps an empty main list, which PADOCC reads as no projects; without the file it fails (`sequence item 0`).
    A subset without members has no file: PADOCC ignores an empty overwrite (`padocc/core/filehandlers.py:275`).
    """
    _unlist(workdir.main_list(group), codes)
    for name in subset_names(workdir, group):
        _unlist(workdir.subset_list(group, name), codes)
        if not read_lines(workdir.subset_list(group, name)):
            workdir.subset_list(group, name).unlink()
    for path in (workdir.datasets_csv(group), workdir.faultlist(group)):
        rows = _rows(path)
        _write_rows(path, rows, {code: row for code, row in rows.items() if code not in codes})


def subset_names(workdir: Workdir, group: str) -> list[str]:
    """The group's subsets, without the list of all its projects."""
    found = sorted(path.stem for path in workdir.main_list(group).parent.glob("*.txt"))
    return [name for name in found if name != "main" and not name.startswith(".")]


def _give_rows(source: Path, target: Path, codes: Collection[str], paths: dict[str, list[Path]]) -> None:
    """Rows of a CSV whose first field is the code. `paths`: the second field, where it is the first of these, becomes the second."""
    new = {code: row for code, row in _rows(source).items() if code in codes}
    for code, (old_path, new_path) in paths.items():
        first, *fields = new.get(code, "").split(",")
        if fields and fields[0] == str(old_path):
            new[code] = ",".join([first, str(new_path), *fields[1:]])
    before = _rows(target)
    _write_rows(target, before, before | new)


def _rows(path: Path) -> dict[str, str]:
    """Whole lines by their first field."""
    return {line.split(",", 1)[0].strip(): line for line in read_lines(path)}


def _write_rows(path: Path, before: dict[str, str], rows: dict[str, str]) -> None:
    """Replace the file if it changes; one without rows is removed: PADOCC takes an empty one for a row without columns."""
    if rows == before:
        return
    if rows:
        write_text(path, "\n".join(rows.values()))
    else:
        path.unlink()


def _list(path: Path, codes: Collection[str]) -> None:
    listed = read_lines(path)  # as they are: PADOCC takes names that this package does not
    known = {line.strip() for line in listed}
    if new := [code for code in codes if code not in known]:
        write_lines(path, [*listed, *new])


def _unlist(path: Path, codes: Collection[str]) -> None:
    listed = read_lines(path)
    kept = [line for line in listed if line.strip() not in codes]
    if kept != listed:
        write_lines(path, kept)
