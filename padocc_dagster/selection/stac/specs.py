"""The projects of a selection as specs, their source files looked for on this machine."""

from collections import defaultdict
from typing import NamedTuple

from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.options import project_options, refuse_what_does_not_go_together
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.project import Group
from padocc_dagster.selection.source_files import Faults, sound_files, tell_faults
from padocc_dagster.selection.stac.paths import local_path
from padocc_dagster.selection.stac.projects import Chosen
from padocc_dagster.selection.stac.select import Selection
from padocc_dagster.selection.tree import Node


class Found(NamedTuple):
    """The specs of all projects, and what is wrong with the source files of some: code → faults."""

    specs: tuple[ProjectSpec, ...]
    faulty: dict[str, Faults]

    @property
    def good(self) -> tuple[ProjectSpec, ...]:
        """The specs of projects whose files are all there."""
        return tuple(spec for spec in self.specs if spec.code not in self.faulty)

    def told(self) -> dict[str, str]:
        """What is wrong, a sentence for each project."""
        sentences = {}
        for code, faults in self.faulty.items():
            findings = Findings()
            tell_faults(faults, sum(map(len, faults.values())), findings)
            sentences[code] = "; ".join(problem.text for problem in findings.problems)
        return sentences

    def tell(self, count: int, findings: Findings) -> None:
        """What is wrong, by kind, for all projects with their so many files together."""
        together: Faults = defaultdict(list)
        for faults in self.faulty.values():
            for fault, nodes in faults.items():
                together[fault] += nodes
        tell_faults(together, count, findings)


def specs_of(selection: Selection, group: Group, findings: Findings) -> Found:
    """A spec for each project, with what the group says for all; files stand in the order of their records."""
    section, options = selection.section, project_options(group.options)
    specs, faulty = [], {}
    for chosen in selection.projects:
        faults: Faults = defaultdict(list)
        files = sound_files(_paths(chosen, selection, faults), faults)
        if faults:
            faulty[chosen.code] = faults
        specs.append(
            ProjectSpec(
                code=chosen.code,
                pattern="",
                files=tuple(files),
                updates=group.updates,
                removals=group.removals,
                variables=group.variables,
                dropped=group.dropped,
                options=options,
                records={
                    "catalogue": section.catalogue,
                    "items": len(chosen.records),
                    "digest": chosen.digest,
                    "publish_item": section.publish_items,
                },
                item=_item(chosen) if section.publish_items else "",
                checksums=_checksums(chosen, selection),
            )
        )
    if specs:
        smallest = min(specs, key=lambda spec: len(spec.files) or float("inf"))
        about_it = findings.about(f"project {smallest.code[:40]!r}")
        refuse_what_does_not_go_together(options, group.variables, group.dropped, smallest.files, section.line, about_it)
    return Found(tuple(specs), faulty)


def _paths(chosen: Chosen, selection: Selection, faults: Faults) -> list[Node]:
    """Where a project's files lie; addresses that no rule brings to this machine go to the faults."""
    line, found = selection.section.line, []
    for record in chosen.records:
        for source in record.sources:
            path = local_path(source.href, selection.section.paths)
            if path is None:
                faults["remote"].append(Node(source.href, line))
            else:
                found.append(Node(path, line))
    return found


def _checksums(chosen: Chosen, selection: Selection) -> dict[str, str]:
    """Path → checksum of the files for which the catalogue gives one."""
    given = [source for record in chosen.records for source in record.sources if source.checksum]
    return {path: source.checksum for source in given if (path := local_path(source.href, selection.section.paths))}


def _item(chosen: Chosen) -> str:
    from padocc_dagster.selection.stac.published import item_of

    return item_of(chosen)
