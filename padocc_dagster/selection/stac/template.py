"""How projects are called: a text with names in braces, `{source_id}.{variable_id}`, for each of which a record's value stands."""

import re
from collections.abc import Callable, Mapping

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Node, text_of

NAME = re.compile(r"\{([^{}]+)\}")
UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")
RECORD = ("id", "collection")
"""What stands for an item's own members; every other name is one of its properties."""


def read_template(node: Node | None, default: str, findings: Findings) -> str:
    """The template in a `stac:` section."""
    template = default if node is None else text_of(node, "code", findings)
    if template is None or node is None:
        return template or default
    rest = NAME.sub("", template)
    if "{" in rest or "}" in rest:
        findings.add(node.line, f"code {template[:60]!r} has a brace without its pair or with nothing in it: write names as in {{id}}")
    elif not NAME.search(template):
        findings.add(node.line, f"code {template[:60]!r} names nothing, so all projects would be called alike: write {default}, say")
    return template


def names_in(template: str) -> list[str]:
    """The names in a template, each once."""
    return list(dict.fromkeys(NAME.findall(template)))


def filled(template: str, values: Mapping[str, str] | Callable[[str], str]) -> str:
    """The code: every name replaced, and whatever a code may not hold made a `-`."""
    value = values if callable(values) else values.__getitem__
    return UNSAFE.sub("-", NAME.sub(lambda found: value(found.group(1)), template))
