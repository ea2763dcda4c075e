"""Projects for the tests: made from small files, taken through phases, copied."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.making import initialise
from padocc_dagster.pipeline.publishing import verify
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.files import read_json, read_lines, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome
from padocc_dagster.pipeline.workdir.sources import list_digest
from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec
from padocc_dagster.pipeline.workdir.status import StatusRow, read_rows
from padocc_dagster_tests.make_netcdf import Series, write

OPTIONS = tuple(ProjectOptions.__dataclass_fields__)
TEXTS = {".json", ".txt", ".csv", ".log"}


@dataclass(frozen=True)
class Made:
    """A project in its working directory; its source files lie in `root/sources`."""

    root: Path
    project: Project = Project("grp", "proj")

    @property
    def workdir(self) -> Workdir:
        return Workdir(self.root / "work")

    @property
    def folder(self) -> Path:
        return self.workdir.project_dir(self.project)

    @property
    def product(self) -> Path:
        return self.folder / "k1.0a.json"

    @property
    def sources(self) -> list[Path]:
        return sorted((self.root / "sources").glob("*.nc"))

    @property
    def rows(self) -> list[StatusRow]:
        return read_rows(self.workdir.status_log(self.project))

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [(row.phase, row.status) for row in self.rows]

    def run(self, phase: str, **choices: Any) -> Outcome:
        return getattr(phases, phase)(self.workdir, self.project, **choices)

    def through(self, *names: str) -> Outcome:
        """Run phases that must pass. Returns the last one's outcome."""
        for name in names:
            outcome = self.run(name)
            assert outcome.passed, (name, outcome)
        return outcome

    def verified(self) -> dict[str, Any]:
        """The comparison, made in this process: it holds nothing of PADOCC."""
        return verify.verify(str(self.workdir.root), str(self.project))

    def published(self) -> list[str]:
        folder = self.workdir.completed / self.project.group
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def spec(code: str, files: Any, pattern: str = "", **fields: Any) -> ProjectSpec:
    """A spec; options are given among the fields."""
    options = {name: fields.pop(name) for name in OPTIONS if name in fields}
    return ProjectSpec(code, pattern, tuple(map(str, files)), **fields, options=ProjectOptions(**options))


def initialised(workdir: Workdir, group: str, *specs: ProjectSpec, **choices: Any) -> dict[str, list[str]]:
    """Initialise in this process, which costs no start of a worker."""
    projects = [{**one.as_dict(), "files": list(one.files), "item": one.item, "checksums": one.checksums} for one in specs]
    return initialise.initialise_group(str(workdir.root), group, projects, **choices)


def choose(made: Made, **options: Any) -> None:
    """Options in spec.json, as a recomputation chooses them or as a config gives them."""
    path = made.workdir.spec(made.project)
    write_json(path, {**read_json(path), "chosen": options})


def make(root: Path, series: Series = Series(), **fields: Any) -> Made:
    """An initialised project of one series; its files are listed in order of their names, as a config lists them."""
    made = Made(root.resolve())
    write(made.root / "sources", series)
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, **fields))
    return made


def copy(made: Made, root: Path) -> Made:
    """The same project elsewhere, with sources of its own; compared again if it was compared."""
    other = Made(root.resolve(), made.project)
    shutil.copytree(made.root, other.root, dirs_exist_ok=True)
    for path in other.root.rglob("*"):
        if path.suffix in TEXTS and path.is_file():
            path.write_text(path.read_text().replace(str(made.root), str(other.root)))
    base = read_json(other.workdir.base_cfg(other.project))
    base["padocc_dagster"]["sources"] = list_digest(read_lines(other.workdir.allfiles(other.project)))
    write_json(other.workdir.base_cfg(other.project), base)
    if other.workdir.comparison(other.project).exists():
        assert other.verified()["passed"]
    return other
