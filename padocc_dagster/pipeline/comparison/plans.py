"""Which variable of the product is compared with which of the source files, and whether all are there that must be."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import REFERRING
from padocc_dagster.pipeline.comparison.encoding import differences, units_problem
from padocc_dagster.pipeline.comparison.placement import STACKED, Placement
from padocc_dagster.pipeline.comparison.products import OpenProduct, ProductVariable
from padocc_dagster.pipeline.comparison.reading import ProductReader
from padocc_dagster.pipeline.comparison.report import STACKED as STACKED_ALONG
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Header, SourceVariable, attributes_of


@dataclass
class Plan:
    """How one variable is compared, and how far that has come."""

    product: ProductVariable
    reader: ProductReader
    joined: bool
    """The product holds as texts what the files hold as characters."""
    owner: int = 0
    """The file that the product's only copy comes from, for a variable that is not concatenated."""
    kinds: dict[Any, int] = field(default_factory=dict)
    """For each way in which files store and encode the variable, the first file that does."""
    forced: set[int] = field(default_factory=set)
    """Files whose values must be read, because nothing else proves them."""
    changed: dict[SourceVariable, list[str]] = field(default_factory=dict)
    """For each form the variable has in the files: in what its encoding differs from the product's."""
    rewritten: bool = False
    """The product holds the values anew, and not as references to the files' own."""
    exact_up_to: int | None = None
    """The largest whole number that the product carries exactly, where it reads whole numbers as floating-point ones."""
    proved: int = 0
    """Files whose every reference to their values is proved."""
    compared: int = 0
    """Files whose values were read and compared."""
    chunks_expected: int | None = None
    chunks_present: int | None = None

    @property
    def how(self) -> str:
        """In a word, how the values were compared."""
        read = "decoded" if any(self.changed.values()) else "raw"
        return f"references, {read}" if self.proved else read

    def representatives(self) -> set[int]:
        """One file of each kind."""
        return set(self.kinds.values())


def plan(
    headers: list[Header],
    product: OpenProduct,
    placement: Placement,
    request: Request,
    findings: Findings,
) -> dict[str, Plan]:
    """Pair the variables. What is missing, too much, or of other dimensions becomes a problem, and has no plan."""
    kept, sources = request.variables, request.sources
    first = {v.name: v for v in headers[0].variables}
    wanted, allowed = _wanted(first, kept, sources, findings)
    wanted, allowed = wanted - set(request.dropped), allowed - set(request.dropped)
    for name in sorted(wanted - product.variables.keys()):
        findings.problem("variables", f"variable {name} of {sources[0]} is not in the product", name)
    for name in sorted(product.variables.keys() - first.keys() - ({STACKED} if placement.stacked else set())):
        findings.problem("variables", f"variable {name} of the product is not in {sources[0]}", name)
    for name in sorted((product.variables.keys() & first.keys()) - allowed):
        why = "it was to be left out" if name in request.dropped else f"only {', '.join(kept)} were to be kept"
        findings.problem("variables", f"variable {name} is in the product, though {why}", name)
    plans = {}
    for name in first.keys() & product.variables.keys():
        source, target = first[name], product.variables[name]
        expected = placement.expected_dimensions(source, target)
        joined = source.is_char and bool(expected) and target.encoding.dtype == "str" and target.dimensions == expected[:-1]
        if target.dimensions == expected or joined:
            plans[name] = Plan(target, ProductReader(target, placement), joined, rewritten=request.product.cloud_format == "zarr")
        elif set(target.dimensions) - set(expected) == {placement.dimension}:
            sentence = f"variable {name} is not the same in all files, so that it was joined along {placement.dimension} as data are"
            findings.problem(STACKED_ALONG, sentence, name)
        else:
            sentence = f"variable {name} has dimensions {target.dimensions} in the product, expected {expected}"
            findings.problem("variables", sentence, name)
    _check_later_files(headers, plans, placement, request, findings)
    return {name: plans[name] for name in first if name in plans}


def _wanted(
    first: dict[str, SourceVariable], kept: tuple[str, ...], sources: tuple[str, ...], findings: Findings
) -> tuple[set[str], set[str]]:
    """The variables that must be in the product, and those that may be."""
    if not kept:
        return set(first), set(first)
    for name in sorted(set(kept) - first.keys()):
        findings.problem("variables", f"variable {name}, which was to be kept, is not in {sources[0]}")
    present = set(kept) & first.keys()
    wanted = present | {d for name in present for d in first[name].dimensions if d in first}
    attributes = attributes_of(sources[0])[1]
    words = [str(attributes[name].get(key, "")).split() for name in wanted for key in REFERRING]
    return wanted, wanted | ({word.rstrip(":") for line in words for word in line} & first.keys())


def _check_later_files(
    headers: list[Header],
    plans: dict[str, Plan],
    placement: Placement,
    request: Request,
    findings: Findings,
) -> None:
    """Hold every file's variables against the first file's and the product's, and note where encodings differ."""
    kept, sources = request.variables, request.sources
    names = {v.name for v in headers[0].variables}
    dimensions = {v.name: v.dimensions for v in headers[0].variables}
    for number, header in enumerate(headers):
        found = {v.name: v for v in header.variables} if number and header.variables is not headers[0].variables else None
        for name in sorted(found.keys() - names - set(request.dropped)) if found and not kept else []:
            findings.problem("variables", f"variable {name} is in {sources[number]} but not in the first file", name)
        for name in sorted(names - found.keys()) if found is not None else []:
            if name in plans and placement.axis(plans[name].product) is not None:
                findings.problem("variables", f"variable {name} is not in {sources[number]}, but has a place for it", name)
        for variable in header.variables:
            if variable.name not in plans:
                continue
            if variable.dimensions != dimensions[variable.name]:
                findings.problem(
                    "variables", f"dimensions of {variable.name} in {sources[number]} are not those in the first file", variable.name
                )
            _note_encoding(plans[variable.name], variable, number, sources[number], findings)


def reading_list(headers: list[Header], plans: dict[str, Plan], chosen: Iterable[int], small: int = 0) -> dict[int, list[str]]:
    """Which variables of which files are read: all of the chosen files, and of the others what nothing else proves.

    Variables of at most `small` bytes that no reference proves are read in every file.
    """
    chosen, unproved = set(chosen), {name for name, item in plans.items() if not item.proved}
    needed = {name: item.forced | item.representatives() for name, item in plans.items()}
    reading = {}
    for number, header in enumerate(headers):
        names = []
        for variable in header.variables:
            item = plans.get(variable.name)
            if item is None:
                continue
            size = variable.itemsize
            for length in header.shape(variable) if variable.name in unproved else ():
                size *= length
            wanted = number in chosen or number in needed[variable.name] or (variable.name in unproved and size <= small)
            if wanted or not item.reader.placed:
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
