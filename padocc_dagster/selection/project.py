"""One project of a group config: its fields checked, together with what the group says for all projects."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.attributes import read_removals, read_updates, read_variables, refuse_set_and_removed
from padocc_dagster.selection.options import project_options, read_options, refuse_what_does_not_go_together
from padocc_dagster.selection.patterns import Listings
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.sources import find_sources
from padocc_dagster.selection.substitutions import read_substitutions
from padocc_dagster.selection.tree import Fields, Node, fields_of, kind, text_of

PROJECT_FIELDS = ("code", "pattern", "files", "file_list", "updates", "removals", "variables", "dropped", "substitutions", "options")


@dataclass(frozen=True)
class Group:
    """What holds for all projects of a config while it is read, and what they know of each other."""

    folder: Path
    updates: dict[str, Any] = field(default_factory=dict)
    removals: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    substitutions: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Each code so far, with its line, under the code in one letter case."""
    listings: Listings = field(default_factory=dict)


def read_project(node: Node, group: Group, findings: Findings) -> ProjectSpec | None:
    """One project, as far as it is good."""
    if not isinstance(node.value, dict):
        findings.add(node.line, f"a project is {kind(node.value)}: write a mapping, '- code: …' and its other fields below")
        return None
    code = node.value.get("code")
    findings = findings.about(f"project {code.value[:40]!r}" if code and isinstance(code.value, str) else "this project")
    fields = fields_of(node, "the project", PROJECT_FIELDS, findings)
    code = read_code(fields, node.line, group.codes, findings)
    substitutions = read_substitutions(fields, group.folder, findings) if "substitutions" in fields else group.substitutions
    pattern, files = find_sources(fields, node.line, group.folder, group.listings, findings, substitutions)
    updates = read_updates(fields, group.folder, findings)
    removals = read_removals(fields, group.folder, findings)
    refuse_set_and_removed(fields, updates, removals, findings)
    variables = read_variables(fields, findings) if "variables" in fields else group.variables
    dropped = read_variables(fields, findings, "dropped") if "dropped" in fields else group.dropped
    options = project_options({**group.options, **read_options(fields, findings)})
    refuse_what_does_not_go_together(options, variables, dropped, files, node.line, findings)
    return ProjectSpec(
        code=code,
        pattern=pattern,
        files=files,
        updates={**{name: value for name, value in group.updates.items() if name not in removals}, **updates},
        removals=(*(name for name in group.removals if name not in updates and name not in removals), *removals),
        variables=variables,
        dropped=dropped,
        substitutions=substitutions if pattern else {},
        options=options,
    )


def read_code(fields: Fields, line: int, codes: dict[str, tuple[str, int]], findings: Findings) -> str:
    """The project's code, safe and not taken by another project of the group."""
    if "code" not in fields:
        findings.add(line, "has no code: give it a short name, as in 'code: a1b'")
        return ""
    code, line = text_of(fields["code"], "code", findings), fields["code"].line
    if code is None:
        return ""
    if problem := name_problem("project code", code):
        findings.add(line, problem)
    if code.casefold() in codes:
        other, first = codes[code.casefold()]
        if other == code:
            findings.add(line, f"the code is on line {first} too: a code stands for one project, rename one of them")
        else:
            findings.add(
                line,
                f"the code differs from {other!r} on line {first} in letter case only, "
                "which is the same folder on some file systems: rename one of them",
            )
    codes.setdefault(code.casefold(), (code, line))
    return code
