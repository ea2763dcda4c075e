"""All published products looked at now, on request: reported to nobody, and only what is not known yet is compared."""

from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.watch.findings import Finding, compared, known
from padocc_dagster.pipeline.watch.last import Lasts
from padocc_dagster.pipeline.watch.look import looks
from padocc_dagster.pipeline.watch.recorded import Origin
from padocc_dagster.pipeline.watch.rounds import units
from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.published import has_published, published_groups
from padocc_dagster.pipeline.workdir.withdrawn import withdrawals


@dataclass(frozen=True)
class Audit:
    """What was found of the published products of some groups."""

    findings: tuple[Finding, ...]
    not_found: tuple[Project, ...]
    """Projects that were completed according to their status logs, and of which no product lies in the working directory."""

    @property
    def is_good(self) -> bool:
        return all(finding.is_good for finding in self.findings)

    @property
    def sources(self) -> int:
        """Source files that were looked at."""
        return sum(finding.look.sources for finding in self.findings)

    @property
    def first_seen(self) -> list[str]:
        """Since when changes can be seen of the products that do not list their sources themselves."""
        return [finding.look.since for finding in self.findings if finding.look.origin is Origin.FIRST_SEEN]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return {
            "good": self.is_good,
            "sources": self.sources,
            "products": [finding.as_dict() for finding in self.findings],
            "not_found": [str(project) for project in self.not_found],
        }


def audited(workdir: Workdir, group: str | None = None, thorough: bool = False) -> Audit:
    """Look at the published products of a group, or of all. Raises ValueError for a group that is not there."""
    present = published_groups(workdir)
    if group is not None and group not in present:
        raise ValueError(f"{workdir.root} has no group {group!r}: {nearest(group, present)}")
    groups = [group] if group else present
    members = units(workdir, groups)
    lasts = Lasts(workdir)
    findings = []
    for look in looks(workdir, ((each, unit.project) for unit in members for each in unit.products)):
        found = None if thorough and not look.problem else known(look, lasts.of(look.published))
        findings.append(found or compared(workdir, look, thorough))
    return Audit(tuple(findings), tuple(_not_found(workdir, groups, {unit.project for unit in members})))


def _not_found(workdir: Workdir, groups: list[str], found: set[Project | None]) -> list[Project]:
    missing = []
    for group in set(groups) & set(list_groups(workdir)):
        taken_back = {each.name.rpartition("_")[0] for each in withdrawals(workdir.completed / group)}
        candidates = [Project(group, code) for code in project_codes(workdir, group) if code not in taken_back]
        missing += [project for project in candidates if project not in found and has_published(workdir, project)]
    return sorted(missing)
