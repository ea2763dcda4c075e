"""Published products: which there are, where they are, and their reports. Nothing is written here.

    completed/<group>/<code>_<revision>/                as this package publishes: product and report in one folder (`publish.py`)
    completed/<group>/data/<code>_<revision>.json …     as PADOCC's own `complete` does, its reports in reports/ beside data/
    completed/data/<code>_<revision>.json …             the same for `--completion_dir WORKDIR/completed` (`padocc/core/project.py:553`)

The folder above a product is its shelf. It also holds `.withdrawn/` (`withdrawn.py`) and `.sources/` (`watch/recorded.py`).
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.event_log import Histories
from padocc_dagster.pipeline.workdir.events import Moved
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.groups import codes_of, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import name_problem
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.source_states import SourceState, states_in_table
from padocc_dagster.pipeline.workdir.spec import CloudFormat
from padocc_dagster.pipeline.workdir.status import read_rows

NAME = re.compile(r"(?P<code>.+)_(?P<revision>(?P<letters>kr|k|zr|cr|c)(?P<version>\d+\.\d+))")
SUFFIXES = {"k": (".json", ".parquet"), "kr": (".json", ".parquet"), "zr": (".zarr",), "c": (".nca",), "cr": (".nca",)}
FORMATS: dict[str, CloudFormat] = {".json": "kerchunk", ".parquet": "parquet", ".zarr": "zarr", ".nca": "CFA"}
SOURCES = "source_files"
"""The key of a published report under which the states of the source files are listed."""


@dataclass(frozen=True)
class Published:
    """One published product."""

    group: str
    """The group in whose folder it lies; for a product in PADOCC's `completed/data`, the group of its project."""
    code: str
    revision: str
    """With the letters of its format: `k1.0`, `kr1.0`, `zr1.1`."""
    product: Product
    place: Path
    """What one rename moves: the folder of the product and its report or, published by PADOCC, the product alone."""
    shelf: Path

    @property
    def name(self) -> str:
        return f"{self.code}_{self.revision}"

    @property
    def project(self) -> Project:
        """The project that published it, by the name it had then."""
        return Project(self.group, self.code)

    @property
    def by_padocc(self) -> bool:
        """Whether PADOCC's own `complete` published it."""
        return self.place == self.product.path

    @property
    def report(self) -> Path:
        return self.place / f"{self.name}_report.json"

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.product.version.split("."))

    def __str__(self) -> str:
        return f"{self.group}/{self.name}"


def published_groups(workdir: Workdir) -> list[str]:
    """The groups that may have published products, those included that have been dissolved since. Sorted."""
    folders = {entry.name for entry in _entries(workdir.completed) if entry.is_dir() and not name_problem("group", entry.name)}
    return sorted((folders - {"data", "reports"}).union(list_groups(workdir)))


def published_in(workdir: Workdir, group: str, code: str = "") -> list[Published]:
    """The group's published products, or those of one project code, by name. One pass over its folder, however many there are."""
    shelf = workdir.completed / group
    found = [*_own(group, shelf, code), *_by_padocc(group, shelf, code)]
    if (workdir.completed / "data").is_dir():
        codes = codes_of(workdir)(group)
        candidates = (each for each in _by_padocc(group, workdir.completed, code) if each.code in codes)
        found += [each for each in candidates if has_published(workdir, each.project)]
    return sorted(found, key=lambda each: (each.code, each.number, each.revision))


def published_of(workdir: Workdir, project: Project) -> list[Published]:
    """The published products of one project, also of the groups that it was in before, oldest first."""
    groups = groups_of(project, Histories(workdir))
    found = (each for group in groups for each in published_in(workdir, group, project.code))
    return sorted(found, key=lambda each: (each.number, each.revision))


def groups_of(project: Project, histories: Histories) -> list[str]:
    """The group that the project is in, after those in its history that it came from (`moving/carrying.py`)."""
    before = [step.source for step in histories.of(project) if isinstance(step, Moved)]
    return list(dict.fromkeys([*before, project.group]))


def owners(workdir: Workdir, products: Iterable[Published]) -> Iterator[tuple[Published, Project | None]]:
    """Each product with the project that it is of now: projects change their groups. None when the project was removed."""
    codes, histories, groups = codes_of(workdir), Histories(workdir), list_groups(workdir)
    for each in products:
        if each.group in groups and each.code in codes(each.group):
            yield each, each.project
            continue
        moved = (Project(group, each.code) for group in groups if each.code in codes(group))
        yield each, next((project for project in moved if each.group in groups_of(project, histories)), None)


def published_at(group: str, path: Path) -> Published | None:
    """The product that lay at this path, whether it is there or not; None for a path where none can lie."""
    found = NAME.fullmatch(path.stem)
    if found is None or path.suffix not in FORMATS:
        return None
    place = path if path.parent.name == "data" else path.parent
    return _published(group, found, path, place, path.parent.parent)


def has_published(workdir: Workdir, project: Project) -> bool:
    """Whether the project was ever completed, by its status log."""
    rows = read_rows(workdir.status_log(project))
    return any(row.phase == "complete" and row.verdict in (Verdict.OK, Verdict.WARNED) for row in rows)


def read_report(published: Published) -> dict[str, Any]:
    """The report of a product that this package published. Raises CorruptFileError when it is missing or damaged."""
    return read_json(published.report)


def sources_in_report(report: dict[str, Any]) -> tuple[SourceState, ...]:
    """The source files as they were at publication, in order; none in reports of releases that did not list them.

    Raises CorruptFileError for a list that this package cannot have written.
    """
    try:
        return states_in_table(report[SOURCES]) if SOURCES in report else ()
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"the report's {SOURCES} is not a table of source files ({error}): publish a new version") from None


def _own(group: str, shelf: Path, code: str) -> Iterator[Published]:
    for entry in _entries(shelf):
        found = NAME.fullmatch(entry.name)
        if found and code in ("", found["code"]) and entry.is_dir():
            place = Path(entry.path)
            paths = [place / f"{entry.name}{suffix}" for suffix in SUFFIXES[found["letters"]]]
            yield _published(group, found, next((path for path in paths if path.exists()), paths[0]), place, shelf)


def _by_padocc(group: str, shelf: Path, code: str) -> Iterator[Published]:
    for entry in _entries(shelf / "data"):
        stem, suffix = os.path.splitext(entry.name)
        found = NAME.fullmatch(stem)
        if found and code in ("", found["code"]) and suffix in SUFFIXES[found["letters"]]:
            yield _published(group, found, Path(entry.path), Path(entry.path), shelf)


def _published(group: str, found: re.Match[str], path: Path, place: Path, shelf: Path) -> Published:
    return Published(group, found["code"], found["revision"], Product(path, FORMATS[path.suffix], found["version"]), place, shelf)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]
    return []
