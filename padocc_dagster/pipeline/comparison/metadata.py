"""Attributes: what was to change must have changed, what gives values their meaning must be as in every file.

Other differences are reported once, and are no reason to refuse.
"""

from typing import Any

from padocc_dagster.pipeline.comparison.attributes import NOISE, normal, same, shown, with_meaning
from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.sources import Common, SourceVariable, attributes_of

MOST_LINES = 60


def compare_attributes(case: Case) -> None:
    """Check the attributes that were to be changed and those with meaning, and list the others that differ."""
    _check_changes(case)
    _check_meaning(case)
    attributes, of_variables = attributes_of(case.sources[0])
    changed = set(case.request.updates) | set(case.request.removals)
    lines = _lines("global attribute", attributes, case.product.attributes, changed)
    for name, variable in case.product.variables.items():
        if name in of_variables:
            own = dict(with_meaning(of_variables[name]))
            lines += _lines(f"attribute {name}:", of_variables[name], variable.attributes, set(own))
    lines += _differing(case.common, changed, len(case.headers))
    for line in lines[:MOST_LINES]:
        case.findings.inform(line)
    if len(lines) > MOST_LINES:
        case.findings.inform(f"{len(lines) - MOST_LINES} more attributes differ")


def _check_changes(case: Case) -> None:
    request, found = case.request, case.product.attributes
    for name, value in request.updates.items():
        wanted = f"global attribute {name} was to be set to {value!r}"
        if name not in found:
            case.findings.problem("attributes", f"{wanted}, and the product has no such attribute")
        elif not same(found[name], value):
            case.findings.problem("attributes", f"{wanted}, and is {found[name]!r} in the product")
    for name in request.removals:
        if name in found and name not in request.updates:
            case.findings.problem("attributes", f"global attribute {name} was to be removed, and is still in the product")


def _check_meaning(case: Case) -> None:
    """Hold what gives each variable its meaning against every file; equal headers are one object and are looked at once."""
    checked: set[int] = set()
    for path, header in zip(case.sources, case.headers, strict=True):
        if id(header.variables) in checked:
            continue
        checked.add(id(header.variables))
        for variable in header.variables:
            if variable.name in case.plans and id(variable) not in checked:
                checked.add(id(variable))
                _check_one(variable, case.plans[variable.name], path, case.findings)


def _check_one(variable: SourceVariable, plan: Plan, path: str, findings: Findings) -> None:
    ours, theirs = dict(variable.meaning), plan.product.attributes
    kept = {name: normal(theirs[name]) for name in theirs.keys() & ours.keys()} | dict(with_meaning(theirs))
    for name in sorted(ours.keys() | kept.keys()):
        if name not in kept:
            found = f"is {shown(ours[name])} in {path}, and missing in the product"
        elif name not in ours:
            found = f"is {shown(kept[name])} in the product, and missing in {path}"
        elif ours[name] != kept[name]:
            found = f"is {shown(kept[name])} in the product, and {shown(ours[name])} in {path}"
        else:
            continue
        findings.problem("meaning", f"attribute {name} of {variable.name} {found}: the same values mean something else", variable.name)


def _differing(common: Common, changed: set[str], files: int) -> list[str]:
    """What is not the same in all files, a line for each attribute."""
    lines = []
    for (variable, name), found in sorted(common.differing.items()):
        if variable or name not in changed:
            what = f"attribute {variable}: {name}" if variable else f"global attribute {name}"
            has = f"where it is {shown(found.value)}" if found.value is not None else "which has none"
            lines.append(f"{what} differs from the first file's in {found.files} of {files} files, first in {found.first_file}, {has}")
    return lines


def _lines(what: str, source: dict[str, Any], product: dict[str, Any], apart: set[str]) -> list[str]:
    lines = []
    for name in sorted((source.keys() | product.keys()) - NOISE - apart):
        if name not in product:
            lines.append(f"{what} {name} is not in the product ({shown(source[name])} in the first file)")
        elif name not in source:
            lines.append(f"{what} {name} is new in the product: {shown(product[name])}")
        elif not same(source[name], product[name]):
            lines.append(f"{what} {name} is {shown(product[name])} in the product, {shown(source[name])} in the first file")
    return lines
