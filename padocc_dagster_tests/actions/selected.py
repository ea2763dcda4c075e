"""A group selected from a static catalogue that changes, for tests of what follows. Its files hold no data: nothing here opens them."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import edit as editing
from padocc_dagster.actions import initialise as initialising
from padocc_dagster.actions import select_again as selecting
from padocc_dagster.actions.select_again import SELECT_AGAIN
from padocc_dagster.assets import project as project_asset
from padocc_dagster.pipeline.workdir.files import read_json, read_lines
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.pipeline.workdir.step import StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.actions.results import QUIET, refusal, take
from padocc_dagster_tests.pipeline.projects import initialised
from padocc_dagster_tests.selection.stac import cci, cmip6, records
from padocc_dagster_tests.selection.stac.group_configs import write_config
from padocc_dagster_tests.selection.stac.records import Archive, Record
from padocc_dagster_tests.selection.stac.static_catalogue import write_static

GROUP = "grp"
SERIES = cci.Dataset().collection
LATER = datetime(2026, 1, 1, tzinfo=UTC)


class Selected:
    """The catalogue, its archive, and a working directory. `items` are published under names of their own."""

    def __init__(self, root: Path, **section: Any) -> None:
        self.root, self.workdir = root, Workdir(root / "work")
        self.archive = Archive(root / "archive", str(root / "archive"))
        self.items: dict[str, Record] = {}
        self.section = {"code": "{variable_id}", **section}
        self.workdir.inbox.mkdir(parents=True)

    @property
    def catalogue(self) -> Path:
        return self.root / "catalogue" / "catalog.json"

    def file(self, dataset: Any, name: str) -> Path:
        path = self.archive.root / dataset.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not a dataset")
        return path

    def dataset(self, variable: str, files: int = 1) -> None:
        """An item that is a project, called as the variable."""
        made = cmip6.Dataset(variable)
        self.items[variable] = cmip6.item(self.archive, made, [self.file(made, name) for name in made.files(files)])

    def series(self, count: int) -> None:
        """The items of one project, called 0, 1 and so on."""
        made = cci.Dataset()
        files = [self.file(made, name) for name in made.files(count)]
        self.items |= {str(number): item for number, item in enumerate(cci.items(self.archive, made, files))}

    def change(self, name: str, mark: Callable[..., Record], *values: Any) -> None:
        self.items[name] = mark(self.items[name], *values)

    def publish(self) -> None:
        shutil.rmtree(self.catalogue.parent, ignore_errors=True)
        write_static(self.catalogue.parent, [cmip6.collection(), *cci.collections([cci.Dataset()])], self.items.values())

    def config(self) -> Path:
        return write_config(self.workdir.inbox / f"{GROUP}.yaml", {"catalogue": str(self.catalogue), **self.section})

    def drop(self, config: Path) -> dg.ExecuteInProcessResult:
        """The run of a config in the inbox."""
        return initialising.initialise_group.execute_in_process(
            resources={"padocc": Padocc(root=str(self.workdir.root))},
            run_config={"ops": {"initialise_projects": {"config": {"path": str(config)}}}, "loggers": QUIET},
            raise_on_error=False,
        )

    def initialise(self) -> dg.ExecuteInProcessResult:
        self.publish()
        return self.drop(self.config())

    def again(self, **config: Any) -> StepResult:
        """Select again from the catalogue as it is by now."""
        self.publish()
        return self.select(**config)

    def select(self, **config: Any) -> StepResult:
        return take(self.workdir, SELECT_AGAIN, **{"group": GROUP, "why": "it grew", **config})

    def refused(self, group: str = GROUP) -> str:
        """Why the group is not selected again, from the catalogue as it was published."""
        return refusal(self.workdir, SELECT_AGAIN, group=group)

    def rows(self, code: str) -> list[str]:
        return [row.phase for row in read_rows(self.workdir.status_log(Project(GROUP, code)))]

    def files_of(self, code: str) -> list[str]:
        return read_lines(self.workdir.allfiles(Project(GROUP, code)))

    def kept(self) -> dict[str, Any]:
        return read_json(self.workdir.selection(GROUP))

    def everything(self) -> dict[str, bytes]:
        """Every file of the group and its projects."""
        folders = (self.workdir.root / "groups", self.workdir.root / "in_progress")
        return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selected:
    """Two projects of an item each, `tas` and `pr`."""
    without_a_worker(monkeypatch)
    made = Selected(tmp_path.resolve())
    for variable in ("tas", "pr"):
        made.dataset(variable)
    assert made.initialise().success
    assert project_codes(made.workdir, GROUP) == ["pr", "tas"]
    return made


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selected:
    """One project of three items."""
    without_a_worker(monkeypatch)
    made = Selected(tmp_path.resolve(), projects="collection", code="{collection}")
    made.series(3)
    assert made.initialise().success
    assert project_codes(made.workdir, GROUP) == [SERIES]
    return made


def keys(result: StepResult) -> list[str]:
    """The keys of the projects that were made."""
    return [str(project) for project in result.done]


def noted(result: StepResult, word: str) -> dict[str, str]:
    """Project → what the notes say of it that begins with this word, `left` or `withdrawn`."""
    return {note.split(f": {word}: ")[0]: note.split(f": {word}: ")[1] for note in result.notes if f": {word}: " in note}


def without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Initialise in this process, which costs no start of a worker."""

    def initialise(workdir: Workdir, group: str, specs: list[ProjectSpec], **choices: Any) -> dict[str, list[str]]:
        return initialised(workdir, group, *specs, **choices)

    monkeypatch.setattr(initialising, "initialise", initialise)
    for place in (selecting, editing, project_asset):
        monkeypatch.setattr(place, "initialise_group", initialise)


def updated(item: Record) -> Record:
    return records.updated(item, LATER)
