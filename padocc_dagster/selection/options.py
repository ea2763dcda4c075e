"""The options of a group and of its projects, and which of them go together."""

from typing import Any

from padocc_dagster.pipeline.names import nearest
from padocc_dagster.pipeline.spec import AGGREGATORS, CLOUD_FORMATS, ProjectOptions
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Fields, Node, fields_of, kind

OPTIONS = ("cloud_format", "aggregator", "cfa", "compare")


def read_options(fields: Fields, findings: Findings) -> dict[str, Any]:
    """The good ones of the options that are given. null is kept: it takes back what the group sets for all projects."""
    node = fields.get("options")
    if node is None:
        return {}
    fields_of(node, "options", OPTIONS, findings)
    given = node.value if isinstance(node.value, dict) else {}
    good = {}
    for name, child in given.items():
        if name not in OPTIONS:
            continue
        problem = None if child.value is None else option_problem(name, child)
        if problem:
            findings.add(child.line, f"option {name} is {shown(child.value)}: {problem}")
        else:
            good[name] = child.value
    return good


def project_options(values: dict[str, Any]) -> ProjectOptions:
    """The options that hold for a project, from its own over its group's; null means the default."""
    return ProjectOptions(**{name: value for name, value in values.items() if value is not None})


def option_problem(name: str, node: Node) -> str | None:
    """What was expected instead of this value."""
    value = node.value
    if name == "cloud_format":
        return None if value in CLOUD_FORMATS else nearest(str(value), CLOUD_FORMATS)
    if name == "aggregator":
        if value == "P":
            return "PADOCC's aggregator P writes wrong shapes; write V or K, or leave it out to try V, then K"
        return None if value in AGGREGATORS else "write V (VirtualiZarr) or K (kerchunk), or leave it out to try V, then K"
    if name == "cfa":
        return None if isinstance(value, bool) else "write true or false"
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if whole or value in ("auto", "all") else "write auto, all, or a number of files from 1 up"


def shown(value: Any) -> str:
    return repr(value[:60]) if isinstance(value, str) else kind(value) if isinstance(value, (list, dict)) else repr(value)


def refuse_what_does_not_go_together(
    options: ProjectOptions, variables: tuple[str, ...], files: tuple[str, ...], line: int, findings: Findings
) -> None:
    """What PADOCC 1.5.1 cannot do is said before it is tried. No files means that they are not known."""
    made = options.cloud_format
    if variables and made in ("zarr", "CFA"):
        findings.add(line, f"PADOCC 1.5.1 keeps all variables in the cloud format {made}: "
                     "leave variables out (variables: [] where the group sets them), or choose kerchunk or parquet")
    elif variables and options.cfa:
        findings.add(line, "PADOCC 1.5.1 keeps all variables in a CFA aggregation: leave variables out, or set cfa to false")
    if options.aggregator and made not in ("kerchunk", "parquet"):
        findings.add(line, f"aggregator {options.aggregator} has no part in the cloud format {made}: "
                     "leave it out (aggregator: null where the group sets it), or choose kerchunk or parquet")
    if len(files) == 1 and (made == "CFA" or options.cfa):
        findings.add(line, "a CFA aggregation needs at least two source files and there is one: "
                     "choose another cloud format (and cfa: false), or widen the pattern")
