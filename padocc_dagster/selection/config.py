"""A group config read from its file, checked whole, its source files found."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from padocc_dagster.pipeline.workdir.names import name_problem
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.selection.csv_form import read_csv
from padocc_dagster.selection.fields import GroupFields, refuse_set_and_removed, with_files
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.project import Group, read_project
from padocc_dagster.selection.stac.manifest import Manifest, manifest_of
from padocc_dagster.selection.stac.section import read_section
from padocc_dagster.selection.stac.select import Selection, select
from padocc_dagster.selection.stac.specs import specs_of
from padocc_dagster.selection.text import Unreadable, decode, read_bytes
from padocc_dagster.selection.validation import Part, validated
from padocc_dagster.selection.yaml_form import read_yaml

FORMS = {".csv": read_csv, ".yaml": read_yaml, ".yml": read_yaml}
SUFFIXES = tuple(FORMS)
INSTEAD = {"projects": "name them by a pattern, or select them", "substitutions": "write rules of `paths` in stac instead"}
"""Fields that do not go with a section `stac` → what to do."""


@dataclass(frozen=True)
class GroupConfig:
    """A group that may be initialised: every name is safe and every source file was there when it was read."""

    group: str
    path: Path
    projects: tuple[ProjectSpec, ...]
    digest: str = ""
    """SHA-256 of the file's bytes. Files that it refers to (lists, JSON) are not in it."""
    selection: Selection | None = None
    """What was requested from a catalogue and what it gave, where the projects come from one."""
    manifest: Manifest | None = None
    """The same as it is kept with the group."""
    faulty: dict[str, str] = field(default_factory=dict)
    """Code → what is wrong with the source files of projects that are left out for it; only where that is tolerated."""


def read_group_config(path: Path) -> GroupConfig:
    """Read a group config, `.csv` or `.yaml`/`.yml`, and find its source files. Nothing is written and no data file is opened.

    The group's name is the YAML field `group`, else the file's name without its suffix. A project's own updates, removals and options go
    before the group's, one by one; its own variables, dropped variables and substitutions replace the group's. Relative paths of list
    and JSON files start at the config's folder. Where it has a section `stac`, the catalogue is searched.

    Raises ConfigRejected with every problem there is, and CatalogueUnreachable when the catalogue does not answer.
    """
    findings = Findings()
    try:
        if path.suffix.lower() not in FORMS:
            known = ", ".join(SUFFIXES)
            raise Unreadable(f"a group config ends in {known}, this file in {path.suffix!r}: rename it after what it holds")
        data = read_bytes(path, "the group config")
        part = FORMS[path.suffix.lower()](decode(data, "the group config"), findings)
    except Unreadable as error:
        findings.add(error.line, str(error))
        raise ConfigRejected(path, findings.problems) from None
    return replace(_accepted(part, path, findings), digest=hashlib.sha256(data).hexdigest())


def select_again(manifest: Manifest) -> GroupConfig:
    """The config that a group was selected by, read again, and its catalogue searched again.

    A project whose files are not all good keeps no other back: it is among the `faulty`; an item that cannot be taken is left out. Raises
    as `read_group_config` does for all else.
    """
    return _accepted(Part(manifest["config"]), Path(manifest["file"]), Findings(), tolerant=True)


def _accepted(part: Part, path: Path, findings: Findings, tolerant: bool = False) -> GroupConfig:
    """The config. Raises ConfigRejected with the problems found here and before."""
    config = _read(part, path, findings, tolerant)
    if findings.problems or config is None:
        raise ConfigRejected(path, findings.problems, config.selection if config else None)
    return config


def _read(part: Part, path: Path, findings: Findings, tolerant: bool) -> GroupConfig | None:
    """The group and its projects; None when it is nothing of the kind. `tolerant` of missing files, for selections."""
    whole = with_files(part, path.parent, findings)
    fields = validated(GroupFields, whole, findings)
    if fields is None:
        return None
    refuse_set_and_removed(fields, part.line("removals"), findings)
    group = Group(path.parent, fields)
    config = GroupConfig(_name(fields.group, part, path, findings), path, ())
    if fields.stac is not None:
        return _selected(config, part, group, findings, tolerant)
    if not part.value.get("projects"):
        findings.add(None, "there are no projects: add at least one, with its code and its pattern, or a section stac")
    projects = [read_project(part.at("projects").at(number), group, findings) for number in range(len(fields.projects))]
    return replace(config, projects=tuple(project for project in projects if project))


def _name(name: str, part: Part, path: Path, findings: Findings) -> str:
    """The group's name, which must be safe."""
    written = part.value.get("group")
    if written is None:
        if problem := name_problem("group", path.stem):
            findings.add(None, f"{problem}; a group is called as its file, or as the field 'group' of a YAML file says")
        return path.stem
    if isinstance(written, str) and (problem := name_problem("group", name)):
        findings.add(part.line("group"), problem)
    return name


def _selected(config: GroupConfig, part: Part, group: Group, findings: Findings, tolerant: bool) -> GroupConfig:
    """The projects that a catalogue gives. It is not searched when something else is wrong with the config."""
    for other, why in INSTEAD.items():
        if part.value.get(other) is not None:
            findings.add(part.line(other), f"{other} and stac are both given: {why}")
    section = read_section(part.at("stac"), config.path.parent, findings)
    if section is None or findings.problems:
        return config
    selection = select(section, findings, tolerant)
    found = specs_of(selection, group.common, findings)
    manifest = manifest_of(selection, {**part.value, "group": config.group}, config.path)
    config = replace(config, projects=found.good, selection=selection, manifest=manifest)
    if tolerant:
        return replace(config, faulty=found.by_project())
    for line, text in found.together(sum(len(record.sources) for record in selection.records)):
        findings.add(line, f"stac: {text}")
    return config
