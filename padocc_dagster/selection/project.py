"""One project of a group config: its fields checked, together with what the group says for all projects."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from padocc_dagster.pipeline.workdir.names import name_problem
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.selection.fields import Common, ProjectFields, refuse_set_and_removed, with_files
from padocc_dagster.selection.options import refuse_what_does_not_go_together
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.source_files import Faults, problems_of, sound_files
from padocc_dagster.selection.sources import Listings, find_sources
from padocc_dagster.selection.validation import Part, validated


@dataclass(frozen=True)
class Group:
    """What holds for all projects of a config while it is read, and what they know of each other."""

    folder: Path
    common: Common = field(default_factory=lambda: Common())
    codes: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Each code so far, with its line, under the code in one letter case."""
    listings: Listings = field(default_factory=dict)


def read_project(part: Part, group: Group, findings: Findings) -> ProjectSpec | None:
    """One project, as far as it is good."""
    if isinstance(part.value, dict):
        code = part.value.get("code")
        findings = findings.about(f"project {code[:40]!r}" if code and isinstance(code, str) else "this project")
    part = with_files(part, group.folder, findings)
    own, common = validated(ProjectFields, part, findings), group.common
    if own is None:
        return None
    given = {name: value for name, value in part.value.items() if value is not None}
    read_code(own.code, part, group.codes, findings)
    substitutions = own.substitutions if "substitutions" in given else common.substitutions
    pattern, files = find_sources(part, group.folder, group.listings, findings, substitutions)
    refuse_set_and_removed(own, part.line("removals"), findings)
    options = own.options.over(common.options)
    variables, dropped = (bool(given.get(name, getattr(common, name))) for name in ("variables", "dropped"))  # good names or bad ones
    refuse_what_does_not_go_together(options, variables, dropped, files, part.line(), findings)
    return ProjectSpec(
        code=own.code,
        pattern=pattern,
        files=files,
        updates={**{name: value for name, value in common.updates.items() if name not in own.removals}, **own.updates},
        removals=(*(name for name in common.removals if name not in own.updates and name not in own.removals), *own.removals),
        variables=own.variables if "variables" in given else common.variables,
        dropped=own.dropped if "dropped" in given else common.dropped,
        substitutions=substitutions if pattern else {},
        options=options,
    )


def read_code(code: str, part: Part, codes: dict[str, tuple[str, int]], findings: Findings) -> None:
    """The project's code must be safe, and not another project's of the group."""
    line, written = part.line("code"), part.value.get("code")
    if written is None:
        findings.add(part.line(), "has no code: give it a short name, as in 'code: a1b'")
    if not isinstance(written, str):
        return
    if problem := name_problem("project code", code):
        findings.add(line, problem)
    if code.casefold() not in codes:
        codes[code.casefold()] = code, line
        return
    other, first = codes[code.casefold()]
    if other == code:
        findings.add(line, f"the code is on line {first} too: a code names one project, rename one of them")
    else:
        same = "which is the same folder on some file systems: rename one of them"
        findings.add(line, f"the code differs from {other!r} on line {first} in letter case only, {same}")


def find_again(spec: ProjectSpec) -> ProjectSpec:
    """The spec with the files that its pattern, list file or own list gives now; files that records gave keep their order.

    Raises ConfigRejected with every problem.
    """
    findings = Findings()
    if spec.records:
        faults: Faults = defaultdict(list)
        files = tuple(sound_files(((file, 1) for file in spec.files), faults))
        for line, text in problems_of(faults, len(spec.files)):
            findings.add(line, text)
    else:
        part = Part({"pattern": spec.pattern} if spec.pattern else {"files": list(spec.files)})
        _, files = find_sources(part, Path("/"), {}, findings, spec.substitutions)
    if findings.problems:
        raise ConfigRejected(Path(spec.pattern or spec.code), tuple(findings.problems))
    return replace(spec, files=files)
