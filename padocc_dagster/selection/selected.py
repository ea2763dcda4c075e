"""A group config whose projects come from a catalogue."""

from dataclasses import replace

from padocc_dagster.selection.group_config import GroupConfig
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.project import Group
from padocc_dagster.selection.stac.manifest import manifest_of
from padocc_dagster.selection.stac.section import read_section
from padocc_dagster.selection.stac.select import select
from padocc_dagster.selection.stac.specs import specs_of
from padocc_dagster.selection.tree import Node, plain


def selected(empty: GroupConfig, tree: Node, node: Node, group: Group, findings: Findings, tolerant: bool) -> GroupConfig:
    """The projects that a catalogue gives. It is not searched when something else is wrong with the config."""
    for other, why in (("projects", "name them by a pattern, or select them"), ("substitutions", "write rules of `paths` in stac instead")):
        if tree.value.get(other) is not None and tree.value[other].value is not None:
            findings.add(tree.value[other].line, f"{other} and stac are both given: {why}")
    section = read_section(node, empty.path.parent, findings)
    if section is None or findings.problems:
        return empty
    selection = select(section, findings, tolerant)
    found = specs_of(selection, group, findings)
    manifest = manifest_of(selection, {**plain(tree), "group": empty.group}, empty.path)
    config = replace(empty, projects=found.good, selection=selection, manifest=manifest)
    if tolerant:
        return replace(config, faulty=found.told())
    found.tell(sum(len(record.sources) for record in selection.records), findings.about("stac"))
    return config
