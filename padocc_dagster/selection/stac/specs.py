"""The projects of a selection as specs, and their source files as they are on this machine."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.selection.fields import Common
from padocc_dagster.selection.options import Options, refuse_what_does_not_go_together
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.source_files import Faults, problems_of, sound_files
from padocc_dagster.selection.stac.paths import local_path
from padocc_dagster.selection.stac.published import item_of
from padocc_dagster.selection.stac.record import Source
from padocc_dagster.selection.stac.select import Selection


class Found(NamedTuple):
    """The specs of all projects, and what is wrong with the source files of some: code → faults."""

    specs: tuple[ProjectSpec, ...]
    faulty: dict[str, Faults]

    @property
    def good(self) -> tuple[ProjectSpec, ...]:
        """The specs of projects whose files are all there."""
        return tuple(spec for spec in self.specs if spec.code not in self.faulty)

    def by_project(self) -> dict[str, str]:
        """What is wrong, code → sentences."""
        return {
            code: "; ".join(text for _, text in problems_of(faults, sum(map(len, faults.values())))) for code, faults in self.faulty.items()
        }

    def together(self, count: int) -> Iterator[tuple[int, str]]:
        """What is wrong, by kind, for all projects with their so many files together: lines and sentences."""
        every: Faults = defaultdict(list)
        for faults in self.faulty.values():
            for fault, listed in faults.items():
                every[fault] += listed
        return problems_of(every, count)


def specs_of(selection: Selection, common: Common, findings: Findings) -> Found:
    """A spec for each project, with what the config says for all; files are in the order of their records."""
    section, options = selection.section, common.options.over(Options())
    specs, faulty = [], {}
    for chosen in selection.projects:
        sources = [(source, local_path(source.href, section.paths)) for record in chosen.records for source in record.sources]
        faults: Faults = defaultdict(list)
        if remote := [(source.href, section.line) for source, path in sources if path is None]:
            faults["remote"] = remote
        files = sound_files(((path, section.line) for _, path in sources if path is not None), faults)
        if faults:
            faulty[chosen.code] = faults
        specs.append(
            ProjectSpec(
                code=chosen.code,
                pattern="",
                files=tuple(files),
                updates=common.updates,
                removals=common.removals,
                variables=common.variables,
                dropped=common.dropped,
                options=options,
                records={
                    "catalogue": section.catalogue,
                    "items": len(chosen.records),
                    "digest": chosen.digest,
                    "publish_item": section.publish_items,
                },
                item=item_of(chosen) if section.publish_items else "",
                checksums={path: source.checksum for source, path in sources if path and source.checksum},
            )
        )
    if specs:
        smallest = min(specs, key=lambda spec: len(spec.files) or float("inf"))
        about_it = findings.about(f"project {smallest.code[:40]!r}")
        refuse_what_does_not_go_together(options, bool(common.variables), bool(common.dropped), smallest.files, section.line, about_it)
    return Found(tuple(specs), faulty)


def size_of(sources: Iterable[Source], rules: Mapping[str, str]) -> tuple[int, int]:
    """Of how many files the size is known, and their bytes together: as the catalogue says, else as they are on this machine."""
    known = total = 0
    for source in sources:
        size = source.size if source.size is not None else _size_on_disk(local_path(source.href, rules))
        if size is not None:
            known, total = known + 1, total + size
    return known, total


def _size_on_disk(path: str | None) -> int | None:
    try:
        return os.stat(path).st_size if path else None
    except OSError:
        return None
