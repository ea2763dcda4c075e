"""The options of a group and of its projects, and which of them go together."""

import math
from typing import Any

from padocc_dagster.pipeline.names import nearest
from padocc_dagster.pipeline.spec import AGGREGATORS, CLOUD_FORMATS, ProjectOptions
from padocc_dagster.selection.attributes import VARIABLE
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.tree import Fields, Node, fields_of, kind, plain

OPTIONS = ("cloud_format", "aggregator", "cfa", "compare", "concat_dims", "identical_dims", "identical_within", "xarray")
NO_BASE64 = "only PADOCC's aggregator P reads which variables to store as base64, and P writes wrong shapes and is not run: leave it out"
NOT_TAKEN = {"base64": NO_BASE64, "b64vars": NO_BASE64}
TRUTH = (True, False)
XARRAY: dict[str, tuple[str | bool, ...]] = {
    "engine": ("netcdf4", "scipy"),
    **dict.fromkeys(("decode_cf", "decode_coords", "decode_times", "decode_timedelta", "mask_and_scale"), TRUTH),
}


def read_options(fields: Fields, findings: Findings) -> dict[str, Any]:
    """The good ones of the options that are given. null is kept: it takes back what the group sets for all projects."""
    node = fields.get("options")
    if node is None:
        return {}
    given = node.value if isinstance(node.value, dict) else {}
    for name in given.keys() & NOT_TAKEN.keys():
        findings.add(given[name].line, f"option {name} has no effect: {NOT_TAKEN[name]}")
    taken = {name: child for name, child in given.items() if name not in NOT_TAKEN}
    fields_of(Node(taken, node.line) if given else node, "options", OPTIONS, findings)
    good = {}
    for name, child in taken.items():
        if name not in OPTIONS:
            continue
        problem = None if child.value is None else option_problem(name, child)
        if problem:
            findings.add(child.line, f"option {name} is {shown(child.value)}: {problem}")
        else:
            good[name] = plain(child)
    return good


def project_options(values: dict[str, Any]) -> ProjectOptions:
    """The options that hold for a project, from its own over its group's; null means the default."""
    given = {name: value for name, value in values.items() if value is not None}
    options: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return ProjectOptions(**options)


def option_problem(name: str, node: Node) -> str | None:
    """What was expected instead of this value."""
    value = plain(node)
    if name in ("concat_dims", "identical_dims"):
        return names_problem(name, value)
    if name == "identical_within":
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
        return None if number else "write a number from 0 up, in the variable's own unit"
    if name == "xarray":
        return xarray_problem(value)
    if name == "cloud_format":
        return None if value in CLOUD_FORMATS else nearest(str(node.value), CLOUD_FORMATS)
    if name == "aggregator":
        if value == "P":
            return "PADOCC's aggregator P writes wrong shapes; write V or K, or leave it out to try V, then K"
        return None if value in AGGREGATORS else "write V (VirtualiZarr) or K (kerchunk), or leave it out to try V, then K"
    if name == "cfa":
        return None if isinstance(value, bool) else "write true or false"
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if whole or value in ("auto", "all") else "write auto, all, or a number of files from 1 up"


def names_problem(name: str, value: Any) -> str | None:
    """What was expected instead of this list of dimensions."""
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return "write a list of names, [time]"
    unsafe = [entry for entry in value if not VARIABLE.fullmatch(entry)]
    if unsafe:
        return f"{unsafe[0][:60]!r} is no name: use letters, digits, '_', '.', '+' and '-' only"
    if name == "concat_dims" and len(value) > 1:
        return "write one dimension: a product joined along several cannot be compared with its sources"
    return None


def xarray_problem(value: Any) -> str | None:
    """What was expected instead of these options of xarray's."""
    if not isinstance(value, dict):
        return "write a mapping, {decode_times: false}"
    for name, given in value.items():
        if name == "drop_variables":
            return "name the variables in the project's field 'dropped', which the comparison with the sources knows of"
        if name not in XARRAY:
            return f"unknown option {name[:60]!r}: {nearest(name, XARRAY)}"
        if given not in XARRAY[name] or isinstance(given, int) is not isinstance(given, bool):
            return f"{name} is {shown(given)}: write {' or '.join(map(_written, XARRAY[name]))}"
    return None


def _written(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def shown(value: Any) -> str:
    return repr(value[:60]) if isinstance(value, str) else kind(value) if isinstance(value, (list, dict)) else repr(value)


def refuse_what_does_not_go_together(
    options: ProjectOptions,
    variables: tuple[str, ...],
    dropped: tuple[str, ...],
    files: tuple[str, ...],
    line: int,
    findings: Findings,
) -> None:
    """What PADOCC 1.5.1 cannot do is said before it is tried. No files means that they are not known."""
    made = options.cloud_format
    if variables and dropped:
        findings.add(line, "variables says which are kept and dropped which are not: keep one of the two")
    if dropped and (made == "CFA" or options.cfa):
        findings.add(line, "PADOCC 1.5.1 keeps all variables in a CFA aggregation: leave dropped out, or choose no CFA")
    if (options.concat_dims or options.identical_dims) and (made == "CFA" or options.cfa):
        findings.add(line, "a CFA aggregation finds its dimensions itself: leave concat_dims and identical_dims out, or choose no CFA")
    if options.identical_within is not None and not options.identical_dims:
        findings.add(line, "identical_within says how far apart what is declared identical may be: name that in identical_dims")
    both = [name for name in options.identical_dims if name in options.concat_dims]
    if both:
        findings.add(line, f"{some(both)} is in concat_dims and in identical_dims: keep one of the two")
    if variables and made in ("zarr", "CFA"):
        findings.add(
            line,
            f"PADOCC 1.5.1 keeps all variables in the cloud format {made}: "
            "leave variables out (variables: [] where the group sets them), or choose kerchunk or parquet",
        )
    elif variables and options.cfa:
        findings.add(line, "PADOCC 1.5.1 keeps all variables in a CFA aggregation: leave variables out, or set cfa to false")
    if options.aggregator and made not in ("kerchunk", "parquet"):
        findings.add(
            line,
            f"aggregator {options.aggregator} has no part in the cloud format {made}: "
            "leave it out (aggregator: null where the group sets it), or choose kerchunk or parquet",
        )
    if len(files) == 1 and (made == "CFA" or options.cfa):
        findings.add(
            line,
            "a CFA aggregation needs at least two source files and there is one: "
            "choose another cloud format (and cfa: false), or widen the pattern",
        )
