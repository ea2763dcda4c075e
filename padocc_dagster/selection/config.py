"""A group config read from its file, checked whole, its source files found."""

import hashlib
from dataclasses import replace
from pathlib import Path

from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.selection.attributes import read_removals, read_updates, read_variables, refuse_set_and_removed
from padocc_dagster.selection.csv_form import read_csv
from padocc_dagster.selection.group_config import GroupConfig
from padocc_dagster.selection.options import read_options
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.project import Group, read_project
from padocc_dagster.selection.selected import selected
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.substitutions import read_substitutions
from padocc_dagster.selection.text import Unreadable, decode, read_bytes
from padocc_dagster.selection.tree import Fields, Node, fields_of, kind, text_of, tree_of
from padocc_dagster.selection.yaml_form import read_yaml

FORMS = {".csv": read_csv, ".yaml": read_yaml, ".yml": read_yaml}
SUFFIXES = tuple(FORMS)
GROUP_FIELDS = ("group", "options", "updates", "removals", "variables", "dropped", "substitutions", "projects", "stac")


def read_group_config(path: Path) -> GroupConfig:
    """Read a group config, `.csv` or `.yaml`/`.yml`, and find its source files. Nothing is written and no data file is opened.

    The group's name is the YAML field `group`, else the file's name without its suffix. A project's own updates, removals and options go
    before the group's, one by one; its own variables, dropped variables and substitutions replace the group's. Relative paths of list
    and JSON files start at the config's folder. Where it has a section `stac`, the catalogue is searched.

    Raises ConfigRejected with every problem there is, and CatalogueUnreachable when the catalogue does not answer.
    """
    findings = Findings()
    digest, tree = "", None
    try:
        if path.suffix.lower() not in FORMS:
            known = ", ".join(SUFFIXES)
            raise Unreadable(f"a group config ends in {known}, this file in {path.suffix!r}: rename it after what it holds")
        data = read_bytes(path, "the group config")
        digest = hashlib.sha256(data).hexdigest()
        tree = FORMS[path.suffix.lower()](decode(data, "the group config"), findings)
        if tree is None and not findings.problems:
            findings.add(None, "there are no projects: the file holds nothing but blank lines and comments")
    except Unreadable as error:
        findings.add(error.line, str(error))
    return replace(_read(tree, path, findings), digest=digest)


def select_again(manifest: Manifest) -> GroupConfig:
    """The config that a group was selected by, read again, and its catalogue searched again.

    A project whose files are not all good keeps no other back: it is told as `faulty`; an item that cannot be taken is left out. Raises as
    `read_group_config` does for all else.
    """
    return _read(tree_of(manifest["config"]), Path(manifest["file"]), Findings(), tolerant=True)


def _read(tree: Node | None, path: Path, findings: Findings, tolerant: bool = False) -> GroupConfig:
    """The config from its tree. Raises ConfigRejected with the problems found here and before."""
    config = read_tree(tree, path, findings, tolerant) if tree is not None else None
    if findings.problems or config is None:
        raise ConfigRejected(path, findings.problems, config.selection if config else None)
    return config


def read_tree(tree: Node, path: Path, findings: Findings, tolerant: bool = False) -> GroupConfig | None:
    """The group and its projects, from either form; None when it is nothing of the kind. `tolerant` of missing files, for selections."""
    fields = fields_of(tree, "the group config", GROUP_FIELDS, findings)
    if not isinstance(tree.value, dict):
        return None
    name = read_name(fields, path, findings)
    group = read_group(fields, path.parent, findings)
    if "stac" in fields:
        return selected(GroupConfig(name, path, ()), tree, fields["stac"], group, findings, tolerant)
    nodes = fields["projects"].value if "projects" in fields else []
    if not isinstance(nodes, list):
        findings.add(fields["projects"].line, f"projects is {kind(nodes)}: write a list, one '- code: …' for each project")
        return None
    if not nodes:
        findings.add(None, "there are no projects: add at least one, with its code and its pattern, or a section stac")
    projects = [read_project(node, group, findings) for node in nodes]
    return GroupConfig(name, path, tuple(project for project in projects if project))


def read_group(fields: Fields, folder: Path, findings: Findings) -> Group:
    """What the config says for all its projects."""
    about_all = findings.about("for all projects")
    updates, removals = read_updates(fields, folder, about_all), read_removals(fields, folder, about_all)
    refuse_set_and_removed(fields, updates, removals, about_all)
    return Group(
        folder=folder,
        updates=updates,
        removals=removals,
        variables=read_variables(fields, about_all),
        dropped=read_variables(fields, about_all, "dropped"),
        substitutions=read_substitutions(fields, folder, about_all),
        options=read_options(fields, about_all),
    )


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
