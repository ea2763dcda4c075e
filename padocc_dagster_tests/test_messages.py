"""What a sentence says for people is never read by code: no part of a message is looked for, cut off or matched."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import padocc_dagster

MESSAGES = {"why", "message", "what", "description", "sentence"}
"""Fields, and names, that hold sentences."""
FIELDS = MESSAGES | {"changes", "items"}
TEXT = {"startswith", "endswith", "partition", "rpartition", "split", "rsplit", "removeprefix", "removesuffix", "find", "index", "count"}
PATTERNS = {"match", "fullmatch", "search", "findall", "finditer", "sub"}


def is_message(node: ast.AST) -> bool:
    """Whether the expression is a message, by its field's name or its own; also `str()`, `lower()`, a slice or a default of it."""
    if isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return any(is_message(each) for each in [*node.args[:1], *([inner] if inner else [])]) and not node.keywords
    if isinstance(node, ast.Subscript):
        key = node.slice
        return (isinstance(key, ast.Constant) and key.value in MESSAGES) or (isinstance(key, ast.Slice) and is_message(node.value))
    if isinstance(node, ast.BoolOp):
        return any(map(is_message, node.values))
    return (isinstance(node, ast.Attribute) and node.attr in FIELDS) or (isinstance(node, ast.Name) and node.id in MESSAGES)


def readings(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that read a message: what text methods, patterns and `in` are applied to, and what is compared with a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in TEXT and node.args and is_message(node.func.value):
                yield node
            if node.func.attr in PATTERNS and any(map(is_message, node.args)):
                yield node
        if isinstance(node, ast.Compare):
            for operator, right in zip(node.ops, node.comparators, strict=True):
                sides = (node.left, right)
                parts = isinstance(operator, ast.In | ast.NotIn) and is_message(right)
                text = any(isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value for side in sides)
                if parts or (text and any(map(is_message, sides))):
                    yield node


def test_no_message_is_read_by_code() -> None:
    modules = sorted(Path(padocc_dagster.__file__).parent.rglob("*.py"))
    found = [f"{path}:{node.lineno}: {ast.unparse(node)}" for path in modules for node in readings(ast.parse(path.read_text()))]
    assert not found


READ = [
    'entry.what.startswith("removed")',
    '"no lock" in str(error.message)',
    'message[:9] == "on the fau"',
    "re.search(PATTERN, outcome.message or '')",
    'value["why"].partition(": ")',
    'row.what.lower().endswith("x")',
]
NOT_READ = ['" ".join(message.split())', "message[:100]", '"why" in record', 'state.verdict == "ok"', "change in changes()"]


@pytest.mark.parametrize("source", READ)
def test_a_message_that_is_read_is_found(source: str) -> None:
    assert list(readings(ast.parse(source)))


@pytest.mark.parametrize("source", NOT_READ)
def test_what_reads_no_message_is_not_found(source: str) -> None:
    assert not list(readings(ast.parse(source)))
