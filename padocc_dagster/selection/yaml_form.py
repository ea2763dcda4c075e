"""A group config as YAML, read into plain values and their lines. Only plain data is read: no tags, no aliases.

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

from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.text import Unreadable
from padocc_dagster.selection.validation import DEEPEST, Loc, Part, shown

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, findings: Findings) -> Part:
    """The config. Raises Unreadable for what is no YAML."""
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise Unreadable(f"the character {odd.group()!r} is not allowed in YAML: remove it", line)
    try:
        refuse_nesting_and_aliases(text)
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        advice = "check the indentation, and put text with special characters in quotes"
        raise Unreadable(f"this is not valid YAML: {why}; {advice}", mark.line + 1 if mark else None) from None
    if root is None:
        raise Unreadable("there are no projects: the file holds nothing but blank lines and comments")
    lines: dict[Loc, int] = {(): root.start_mark.line + 1}
    return Part(_value(root, (), lines, findings), lines)


def refuse_nesting_and_aliases(text: str) -> None:
    """Look through the text before it is composed: aliases can make it endless, and deep nesting ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(f"the alias '*{event.anchor}' is not read: write the value out, or put it in quotes if it is a pattern", line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Unreadable(f"values are nested more than {DEEPEST} deep: a group config needs 5", line)


def _value(node: yaml.Node, loc: Loc, lines: dict[Loc, int], findings: Findings) -> Any:
    """The value of a node; the lines of what is in it are noted. What cannot be read is its text, so that it is one problem and not two."""
    line = node.start_mark.line + 1
    standard = f"tag:yaml.org,2002:{'map' if isinstance(node, yaml.MappingNode) else 'seq'}"
    if not isinstance(node, yaml.ScalarNode) and node.tag != standard:
        findings.add(line, f"the tag {node.tag!r} is not read: remove it and write plain values")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, loc, lines, findings)
    if isinstance(node, yaml.SequenceNode):
        lines.update({(*loc, number): child.start_mark.line + 1 for number, child in enumerate(node.value)})
        return [_value(child, (*loc, number), lines, findings) for number, child in enumerate(node.value)]
    try:
        return SafeConstructor().construct_object(node)
    except yaml.YAMLError:
        findings.add(line, f"the tag {node.tag!r} is not read: remove it and write plain values")
    except Exception:  # the constructors of numbers and dates raise what int(), a dict or datetime raise
        findings.add(line, f"{node.value[:60]!r} looks like a {node.tag.rpartition(':')[2]} and is none: put it in quotes")
    return node.value


def _mapping(node: yaml.MappingNode, loc: Loc, lines: dict[Loc, int], findings: Findings) -> dict[str, Any]:
    """The entries of a mapping. A key that comes twice, or is not text, is a problem."""
    entries: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = "<<" if key_node.tag == "tag:yaml.org,2002:merge" else _value(key_node, loc, {}, findings)
        if not isinstance(key, str):
            findings.add(line, f"the field name {shown(key)} is no text: put it in quotes")
        elif key in entries:
            findings.add(line, f"the field {key[:60]!r} is given twice, here and on line {lines[*loc, key]}: keep one")
        else:
            lines[*loc, key] = line
            entries[key] = _value(value_node, (*loc, key), lines, findings)
    return entries
