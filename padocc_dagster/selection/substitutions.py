"""Texts that are replaced in the paths of source files, as in an archive that is mounted elsewhere."""

from pathlib import Path

from padocc_dagster.pipeline.names import path_problem
from padocc_dagster.selection.attributes import value_of
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Fields, kind


def read_substitutions(fields: Fields, folder: Path, findings: Findings) -> dict[str, str]:
    """Text → replacement: a mapping in the config, or the path of a JSON file that holds an object."""
    node = fields.get("substitutions")
    read = value_of(node, "substitutions", folder, findings) if node else None
    if node is None or read is None:
        return {}
    value, where = read
    if not isinstance(value, dict):
        findings.add(node.line, f'{where} is {kind(value)}, expected texts and what replaces them: write {{"/old": "/new"}}')
        return {}
    lines = {key: child.line for key, child in node.value.items()} if isinstance(node.value, dict) else {}
    good = {}
    for text, replacement in value.items():
        if not isinstance(replacement, str):
            problem: str | None = f"is to be replaced by {kind(replacement)}, expected text: put it in quotes"
        elif not text.strip():
            problem = "is empty: write the part of the paths that is to be replaced"
        else:
            unsafe = path_problem(text) or path_problem(replacement)
            problem = f"is not safe: {unsafe}" if unsafe else None
        if problem:
            findings.add(lines.get(text, node.line), f"{text[:60]!r} in {where} {problem}")
        else:
            good[text] = replacement
    return good
