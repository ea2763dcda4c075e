"""A group config as YAML, read into a tree of values that know their lines. Only plain data is read: no tags, no aliases.

group: cci                                  # else the file's name
options: {cloud_format: kerchunk}           # for all projects; so are updates, removals, variables, dropped, substitutions
projects:
  - code: a1b
    pattern: /data/a1b/*.nc                 # or files: [...], or file_list: /data/a1b.txt
    updates: {title: A1B}
    removals: [history]
    variables: [tas]                        # keep these only, or
    dropped: [time_bnds]                    # leave these out
    substitutions: {/archive: /mnt/archive}   # in the paths of the source files
    options: {cloud_format: zarr, concat_dims: [time], xarray: {decode_times: false}}
"""

import yaml
from yaml.constructor import SafeConstructor

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Node, kind

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 20


class NotRead(Exception):
    """YAML that is valid and not taken here, and where."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read_yaml(text: str, findings: Findings) -> Node | None:
    """The tree of the config, None when there is none or the text is no YAML."""
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if odd:
        findings.add(text.count("\n", 0, odd.start()) + 1, f"the character {odd.group()!r} is not allowed in YAML: remove it")
        return None
    try:
        refuse_nesting_and_aliases(text)
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        findings.add(
            mark.line + 1 if mark else None,
            f"this is not valid YAML: {why}; check the indentation, and put text with special characters in quotes",
        )
    except NotRead as error:
        findings.add(error.line, str(error))
    else:
        return node_of(root, findings) if root is not None else None
    return None


def refuse_nesting_and_aliases(text: str) -> None:
    """Look through the text before it is made a tree: aliases can make it endless, and deep nesting ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise NotRead(
                _line(event), f"the alias '*{event.anchor}' is not read: write the value out, or put it in quotes if it is a pattern"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise NotRead(_line(event), f"values are nested more than {DEEPEST} deep: a group config needs 5")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def node_of(node: yaml.Node, findings: Findings) -> Node:
    """One YAML node, with everything in it. What cannot be read stands as its text, so that it is one problem and not two."""
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        if node.tag != f"tag:yaml.org,2002:{'map' if isinstance(node, yaml.MappingNode) else 'seq'}":
            findings.add(line, f"the tag {node.tag!r} is not read: remove it and write plain values")
        if isinstance(node, yaml.MappingNode):
            return Node(mapping_of(node, findings), line)
        return Node([node_of(child, findings) for child in node.value], line)
    try:
        return Node(SafeConstructor().construct_object(node), line)
    except yaml.YAMLError:
        findings.add(line, f"the tag {node.tag!r} is not read: remove it and write plain values")
    except Exception:  # the constructors of numbers and dates raise what int(), a dict or datetime raise
        findings.add(line, f"{node.value[:60]!r} looks like a {node.tag.rpartition(':')[2]} and is none: put it in quotes")
    return Node(node.value, line)


def mapping_of(node: yaml.MappingNode, findings: Findings) -> dict[str, Node]:
    """The entries of a mapping. A key that comes twice, or is not text, is a problem."""
    entries: dict[str, Node] = {}
    for key_node, value_node in node.value:
        is_merge = key_node.tag == "tag:yaml.org,2002:merge"
        key = Node("<<", key_node.start_mark.line + 1) if is_merge else node_of(key_node, findings)
        value = node_of(value_node, findings)
        if not isinstance(key.value, str):
            name = str(key_node.value)[:60]
            findings.add(key.line, f"the field name {name!r} is {kind(key.value)}, expected text: put it in quotes")
        elif key.value in entries:
            first = entries[key.value].line
            findings.add(key.line, f"the field {key.value[:60]!r} is given twice, here and on line {first}: keep one")
        else:
            entries[key.value] = Node(value.value, key.line)
    return entries
