"""The layout of a PADOCC working directory: projects, and the paths of their files. Nothing is read or written here.

PADOCC 1.5.1 layout (`padocc/core/project.py:325`, `core/mixins/directory.py:177`), with what this package adds:

    groups/<group>/                 datasets.csv, faultlist.csv, proj_codes/main.txt and one <subset>.txt per subset
    groups/<group>/padocc_dagster/  this package's own: managed, rules.yaml, selection.json, events.jsonl, learned.json,
                                    board.html, portraits.jsonl, refreshed.txt, merged/
    in_progress/<group>/<code>/     base-cfg.json, detail-cfg.json, allfiles.txt, status_log.csv, phase_logs/, products
    in_progress/<group>/<code>/padocc_dagster/    this package's own: spec.json, events.jsonl, comparison.json,
                                    stac_item.json, checksums.json
    completed/<group>/              published products with their reports (`published.py`), withdrawn ones (`withdrawn.py`)
    inbox/                          group configs, watched
    locks/                          who is at work on what
    padocc_dagster/inbox/           which version of each group config was read last, and how that ended
    padocc_dagster/unfinished/      steps under way that change which projects a group has
    padocc_dagster/watched/         when the sources of published products were looked at last, and what was found
    dagster/                        DAGSTER_HOME of an instance started here
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.names import name_problem, workdir_problem

BOARDS = "/board/"
"""Where the page of an instance has the boards of its groups: a group's name follows."""


class Project(NamedTuple):
    """One dataset of one group. `str(project)` is its key, `group:code`, which is also its Dagster partition."""

    group: str
    code: str

    def __str__(self) -> str:
        return f"{self.group}:{self.code}"

    @classmethod
    def parse(cls, key: str) -> "Project":
        """Read a key `group:code`. Raises ValueError with a sentence for anything else."""
        group, colon, code = key.partition(":")
        if not colon:
            raise ValueError(f"{key!r} is not a project key: write GROUP:PROJECT")
        problems = [p for p in (name_problem("group", group), name_problem("project code", code)) if p]
        if problems:
            raise ValueError("; ".join(problems))
        return cls(group, code)


@dataclass(frozen=True)
class Workdir:
    """A PADOCC working directory. Its path is checked on construction, because PADOCC passes it to a shell."""

    root: Path

    def __post_init__(self) -> None:
        problem = workdir_problem(str(self.root))
        if problem:
            raise ValueError(problem)

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def completed(self) -> Path:
        return self.root / "completed"

    def group_dir(self, group: str) -> Path:
        return self.root / "groups" / group

    def main_list(self, group: str) -> Path:
        """The file that lists the group's project codes, one a line."""
        return self.subset_list(group, "main")

    def subset_list(self, group: str, subset: str) -> Path:
        return self.group_dir(group) / "proj_codes" / f"{subset}.txt"

    def faultlist(self, group: str) -> Path:
        return self.group_dir(group) / "faultlist.csv"

    def selection(self, group: str) -> Path:
        """Which records of a catalogue the group's projects were made from, and the config that selected them."""
        return self.group_dir(group) / "padocc_dagster" / "selection.json"

    def learned(self, group: str) -> Path:
        """What the group's runs taught of the next ones' cost: see `running/learning.py`."""
        return self.group_dir(group) / "padocc_dagster" / "learned.json"

    def board(self, group: str) -> Path:
        """The group's page, as it was when the group was refreshed last: see `board/`."""
        return self.group_dir(group) / "padocc_dagster" / "board.html"

    def portraits(self, group: str) -> Path:
        """Extents and small pictures of the group's published products: see `board/portraits.py`."""
        return self.group_dir(group) / "padocc_dagster" / "portraits.jsonl"

    def datasets_csv(self, group: str) -> Path:
        return self.group_dir(group) / "datasets.csv"

    def project_dir(self, project: Project) -> Path:
        return self.root / "in_progress" / project.group / project.code

    def status_log(self, project: Project) -> Path:
        return self.project_dir(project) / "status_log.csv"

    def phase_log(self, project: Project, phase: str) -> Path:
        return self.project_dir(project) / "phase_logs" / f"{phase}.log"

    def base_cfg(self, project: Project) -> Path:
        return self.project_dir(project) / "base-cfg.json"

    def detail_cfg(self, project: Project) -> Path:
        return self.project_dir(project) / "detail-cfg.json"

    def allfiles(self, project: Project) -> Path:
        return self.project_dir(project) / "allfiles.txt"

    def spec(self, project: Project) -> Path:
        """What the project is made from; see `specs.py`."""
        return self.project_dir(project) / "padocc_dagster" / "spec.json"

    def comparison(self, project: Project) -> Path:
        """The report of the last comparison of the project's product with its sources."""
        return self.project_dir(project) / "padocc_dagster" / "comparison.json"

    def stac_item(self, project: Project) -> Path:
        """The STAC item that is to be published with the project's product, as its catalogue had it when the project was selected."""
        return self.project_dir(project) / "padocc_dagster" / "stac_item.json"

    def checksums(self, project: Project) -> Path:
        """The checksums that a catalogue gives for the project's source files."""
        return self.project_dir(project) / "padocc_dagster" / "checksums.json"

    def events(self, project: Project) -> Path:
        """The project's events: see `events.py`."""
        return self.project_dir(project) / "padocc_dagster" / "events.jsonl"

    def group_events(self, group: str) -> Path:
        """The events of projects of the group whose folder is gone."""
        return self.group_dir(group) / "padocc_dagster" / "events.jsonl"

    def project_lock(self, project: Project) -> Path:
        return self.root / "locks" / project.group / f"{project.code}.lock"

    def group_lock(self, group: str) -> Path:
        return self.root / "locks" / f"{group}.group.lock"

    def inbox_record(self, name: str) -> Path:
        """How reading the inbox's file of this name ended: see `inbox.py`."""
        return self.root / "padocc_dagster" / "inbox" / name

    def watched(self, group: str) -> Path:
        """When the group's published products were looked at last, and what was found."""
        return self.root / "padocc_dagster" / "watched" / f"{group}.json"

    def watched_lock(self, group: str) -> Path:
        """Held while that is changed."""
        return self.root / "locks" / f"{group}.watched.lock"

    @property
    def watch_lock(self) -> Path:
        """Held by the round that looks at published products."""
        return self.root / "locks" / "watch.lock"

    @property
    def edits_lock(self) -> Path:
        """Held while the specs of projects are changed; always the outermost."""
        return self.root / "locks" / "edits.lock"

    @property
    def structure_lock(self) -> Path:
        """Held while projects come, go or change their groups."""
        return self.root / "locks" / "structure.lock"

    @property
    def unfinished(self) -> Path:
        """Records of steps that change which projects a group has, while they are under way."""
        return self.root / "padocc_dagster" / "unfinished"

    def merged(self, group: str, into: str) -> Path:
        """What was left of a group when it was merged into another."""
        return self.group_dir(into) / "padocc_dagster" / "merged" / group
