"""A group config that may be initialised, as a value."""

from dataclasses import dataclass, field
from pathlib import Path

from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.stac.select import Selection


@dataclass(frozen=True)
class GroupConfig:
    """A group that may be initialised: every name is safe and every source file was there when it was read."""

    group: str
    path: Path
    projects: tuple[ProjectSpec, ...]
    digest: str = ""
    """SHA-256 of the file's bytes. Files that it refers to (lists, JSON) are not in it."""
    selection: Selection | None = None
    """What a catalogue was asked and what it gave, where the projects come from one."""
    manifest: Manifest | None = None
    """The same as it is kept with the group."""
    faulty: dict[str, str] = field(default_factory=dict)
    """Code → what is wrong with the source files of projects that are not among the others for it; only where that is tolerated."""
