"""A group config as a tree of values that know their lines: both forms are read into it, and single fields are taken from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.names import nearest
from padocc_dagster.selection.problems import Findings

KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


@dataclass(frozen=True)
class Node:
    """A value and its line. A mapping holds nodes under its keys, a list holds nodes."""

    value: Any
    line: int


Fields = dict[str, Node]


def plain(node: Node) -> Any:
    """The value without its lines."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def tree_of(value: Any) -> Node:
    """A plain value as a tree, which is all on line 1."""
    if isinstance(value, Mapping):
        return Node({str(key): tree_of(child) for key, child in value.items()}, 1)
    return Node([tree_of(child) for child in value] if isinstance(value, (list, tuple)) else value, 1)


def kind(value: Any) -> str:
    """The word for a value's type in a sentence."""
    return KINDS.get(type(value), f"a {type(value).__name__}")


def fields_of(node: Node, what: str, known: Iterable[str], findings: Findings) -> Fields:
    """The known fields of a mapping that have a value (null counts as not given). Anything else is a problem."""
    if not isinstance(node.value, dict):
        findings.add(node.line, f"{what} is {kind(node.value)}: write a mapping with the fields {', '.join(known)}")
        return {}
    for name, child in node.value.items():
        if name not in known:
            findings.add(child.line, f"unknown field {name[:60]!r} in {what}: {nearest(name, known)}")
    return {name: child for name, child in node.value.items() if name in known and child.value is not None}


def text_of(node: Node | None, what: str, findings: Findings) -> str | None:
    """The text of a field; None when it is absent or, which is a problem, not text."""
    if node is None:
        return None
    if isinstance(node.value, str):
        return node.value.strip()
    quote = ": put it in quotes" if not isinstance(node.value, (dict, list)) else ": write one text"
    findings.add(node.line, f"{what} is {kind(node.value)}, expected text{quote}")
    return None


def texts_of(node: Node, what: str, findings: Findings) -> list[Node]:
    """The entries of a list of texts; entries of another type are problems and are left out."""
    if not isinstance(node.value, list):
        findings.add(node.line, f"{what} is {kind(node.value)}: write a list, [a, b]")
        return []
    taken = ((child, text_of(child, f"an entry of {what}", findings)) for child in node.value)
    return [Node(text, child.line) for child, text in taken if text is not None]
