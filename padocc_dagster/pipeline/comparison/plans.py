"""Which variable of the product is compared with which of the source files, and whether all are there that must be."""

from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import REFERRING
from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.encoding import differences, units_problem
from padocc_dagster.pipeline.comparison.placement import STACKED
from padocc_dagster.pipeline.comparison.reading import ProductReader
from padocc_dagster.pipeline.comparison.report import STACKED as STACKED_ALONG
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.sources import SourceVariable, attributes_of


def plan(case: Case) -> dict[str, Plan]:
    """Pair the variables. What is missing, too much, or of other dimensions becomes a problem, and has no plan."""
    request, findings, there = case.request, case.findings, case.product.variables
    first = {v.name: v for v in case.headers[0].variables}
    wanted, allowed = _wanted(case, first)
    for name in sorted(wanted - there.keys()):
        findings.problem("variables", f"variable {name} of {case.sources[0]} is not in the product", name)
    for name in sorted(there.keys() - first.keys() - ({STACKED} if case.placement.stacked else set())):
        findings.problem("variables", f"variable {name} of the product is not in {case.sources[0]}", name)
    for name in sorted((there.keys() & first.keys()) - allowed):
        why = "it was to be left out" if name in request.dropped else f"only {', '.join(request.variables)} were to be kept"
        findings.problem("variables", f"variable {name} is in the product, though {why}", name)
    found = {name: paired for name in first if name in there and (paired := _paired(case, first[name]))}
    _check_later_files(case, found)
    return found


def _paired(case: Case, source: SourceVariable) -> Plan | None:
    """The plan of a variable that product and first file have; None, with the reason noted, where their dimensions do not fit."""
    name, target, placement = source.name, case.product.variables[source.name], case.placement
    expected = placement.expected_dimensions(source, target)
    joined = source.is_char and bool(expected) and target.encoding.dtype == "str" and target.dimensions == expected[:-1]
    if target.dimensions == expected or joined:
        return Plan(target, ProductReader(target, placement), joined, rewritten=case.cloud_format == "zarr")
    if set(target.dimensions) - set(expected) == {placement.dimension}:
        sentence = f"variable {name} is not the same in all files, so that it was joined along {placement.dimension} as data are"
        case.findings.problem(STACKED_ALONG, sentence, name)
    else:
        sentence = f"variable {name} has dimensions {target.dimensions} in the product, expected {expected}"
        case.findings.problem("variables", sentence, name)
    return None


def _wanted(case: Case, first: dict[str, SourceVariable]) -> tuple[set[str], set[str]]:
    """The variables that must be in the product, and those that may be."""
    kept, dropped = case.request.variables, set(case.request.dropped)
    if not kept:
        return set(first) - dropped, set(first) - dropped
    for name in sorted(set(kept) - first.keys()):
        case.findings.problem("variables", f"variable {name}, which was to be kept, is not in {case.sources[0]}")
    present = set(kept) & first.keys()
    wanted = present | {d for name in present for d in first[name].dimensions if d in first}
    attributes = attributes_of(case.sources[0])[1]
    words = [str(attributes[name].get(key, "")).split() for name in wanted for key in REFERRING]
    return wanted - dropped, (wanted | {word.rstrip(":") for line in words for word in line} & first.keys()) - dropped


def _check_later_files(case: Case, plans: dict[str, Plan]) -> None:
    """Hold every file's variables against the first file's and the product's, and note where encodings differ."""
    first, findings = case.headers[0], case.findings
    dimensions = {v.name: v.dimensions for v in first.variables}
    for path, (number, header) in zip(case.sources, enumerate(case.headers), strict=True):
        if header.variables is not first.variables:
            names = {v.name for v in header.variables}
            for name in sorted(names - dimensions.keys() - set(case.request.dropped)) if not case.request.variables else ():
                findings.problem("variables", f"variable {name} is in {path} but not in the first file", name)
            for name in sorted((dimensions.keys() - names) & plans.keys()):
                if case.placement.axis(plans[name].product) is not None:
                    findings.problem("variables", f"variable {name} is not in {path}, but has a place for it", name)
        for variable in header.variables:
            if variable.name not in plans:
                continue
            if variable.dimensions != dimensions[variable.name]:
                sentence = f"dimensions of {variable.name} in {path} are not those in the first file"
                findings.problem("variables", sentence, variable.name)
            _note_encoding(plans[variable.name], variable, number, path, findings)


def reading_list(case: Case, chosen: Iterable[int], small: int = 0) -> dict[int, list[str]]:
    """Which variables of which files are read: all of the chosen files, and of the others what nothing else proves.

    Variables of at most `small` bytes that no reference proves are read in every file.
    """
    chosen = set(chosen)
    needed = {name: item.forced | item.representatives() for name, item in case.plans.items()}
    reading = {}
    for number, header in enumerate(case.headers):
        names = []
        for variable in header.variables:
            item = case.plans.get(variable.name)
            if item is None:
                continue
            wanted = number in chosen or number in needed[variable.name] or not item.reader.placed
            if wanted or (not item.proved and prod(header.shape(variable)) * variable.itemsize <= small):
                names.append(variable.name)
        if names:
            reading[number] = names
    return reading


def _note_encoding(plan: Plan, variable: SourceVariable, number: int, path: str, findings: Findings) -> None:
    if variable not in plan.changed:
        target = plan.product.encoding
        plan.changed[variable] = differences(variable.encoding, target)
        problem = units_problem(variable.encoding, target)
        if problem:
            findings.problem("units", f"variable {variable.name}: {problem} (in {path})", variable.name)
        elif plan.changed[variable] and sum(map(bool, plan.changed.values())) == 1:
            what = "; ".join(plan.changed[variable])
            findings.inform(f"variable {variable.name}: encoding changed ({what}), so decoded values were compared")
        elif variable.encoding.units != target.units and not plan.changed[variable]:
            written = f"{target.units!r} in the product, {variable.encoding.units!r} in {path}"
            findings.inform(f"variable {variable.name}: units are written {written}")
        plan.kinds.setdefault(_kind(variable), number)
    if plan.changed[variable]:
        plan.forced.add(number)


def _kind(variable: SourceVariable) -> Any:
    """How the file stores and encodes the variable, leaving out the date that its times are counted from."""
    encoding = replace(variable.encoding, units="a time") if variable.encoding.is_time else variable.encoding
    return variable.storage, encoding, variable.dimensions
