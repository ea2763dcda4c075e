"""A group config as a value: read from its file, checked whole, its source files found."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.attributes import read_removals, read_updates, read_variables, refuse_set_and_removed
from padocc_dagster.selection.csv_form import read_csv
from padocc_dagster.selection.options import read_options
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.project import Group, read_project
from padocc_dagster.selection.substitutions import read_substitutions
from padocc_dagster.selection.text import Unreadable, decode, read_bytes
from padocc_dagster.selection.tree import Fields, Node, fields_of, kind, text_of
from padocc_dagster.selection.yaml_form import read_yaml

FORMS = {".csv": read_csv, ".yaml": read_yaml, ".yml": read_yaml}
SUFFIXES = tuple(FORMS)
GROUP_FIELDS = ("group", "options", "updates", "removals", "variables", "dropped", "substitutions", "projects")


@dataclass(frozen=True)
class GroupConfig:
    """A group that may be initialised: every name is safe and every source file was there when it was read."""

    group: str
    path: Path
    projects: tuple[ProjectSpec, ...]
    digest: str
    """SHA-256 of the file's bytes. Files that it refers to (lists, JSON) are not in it."""


def read_group_config(path: Path) -> GroupConfig:
    """Read a group config, `.csv` or `.yaml`/`.yml`, and find its source files. Nothing is written and no data file is opened.

    The group's name is the YAML field `group`, else the file's name without its suffix. A project's own updates, removals and options go
    before the group's, one by one; its own variables, dropped variables and substitutions replace the group's. Relative paths of list
    and JSON files start at the config's folder.

    Raises ConfigRejected with every problem there is.
    """
    findings = Findings()
    group, projects, digest = "", (), ""
    try:
        if path.suffix.lower() not in FORMS:
            known = ", ".join(SUFFIXES)
            raise Unreadable(f"a group config ends in {known}, this file in {path.suffix!r}: rename it after what it holds")
        data = read_bytes(path, "the group config")
        digest = hashlib.sha256(data).hexdigest()
        tree = FORMS[path.suffix.lower()](decode(data, "the group config"), findings)
    except Unreadable as error:
        findings.add(error.line, str(error))
    else:
        if tree is not None:
            group, projects = read_tree(tree, path, findings)
        elif not findings.problems:
            findings.add(None, "there are no projects: the file holds nothing but blank lines and comments")
    if findings.problems:
        raise ConfigRejected(path, findings.problems)
    return GroupConfig(group, path, projects, digest)


def read_tree(tree: Node, path: Path, findings: Findings) -> tuple[str, tuple[ProjectSpec, ...]]:
    """The group's name and its projects, from either form."""
    fields = fields_of(tree, "the group config", GROUP_FIELDS, findings)
    if not isinstance(tree.value, dict):
        return "", ()
    name = read_name(fields, path, findings)
    about_all = findings.about("for all projects")
    updates, removals = read_updates(fields, path.parent, about_all), read_removals(fields, path.parent, about_all)
    refuse_set_and_removed(fields, updates, removals, about_all)
    group = Group(
        folder=path.parent,
        updates=updates,
        removals=removals,
        variables=read_variables(fields, about_all),
        dropped=read_variables(fields, about_all, "dropped"),
        substitutions=read_substitutions(fields, path.parent, about_all),
        options=read_options(fields, about_all),
    )
    nodes = fields["projects"].value if "projects" in fields else []
    if not isinstance(nodes, list):
        findings.add(fields["projects"].line, f"projects is {kind(nodes)}: write a list, one '- code: …' for each project")
        return name, ()
    if not nodes:
        findings.add(None, "there are no projects: add at least one, with its code and its pattern")
    projects = [read_project(node, group, findings) for node in nodes]
    return name, tuple(project for project in projects if project)


def read_name(fields: Fields, path: Path, findings: Findings) -> str:
    """The group's name, safe."""
    if "group" not in fields:
        if problem := name_problem("group", path.stem):
            findings.add(None, f"{problem}; a group is called as its file, or as the field 'group' of a YAML file says")
        return path.stem
    name = text_of(fields["group"], "group", findings)
    if name is not None and (problem := name_problem("group", name)):
        findings.add(fields["group"].line, problem)
    return name or ""
