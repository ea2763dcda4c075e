"""The source files of a project looked up again, for a project that is initialised again."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.source_files import Faults, sound_files, tell_faults
from padocc_dagster.selection.sources import find_sources
from padocc_dagster.selection.tree import Node


def find_again(spec: ProjectSpec) -> ProjectSpec:
    """The spec with the files that its pattern, list file or own list stands for now; files that records gave keep their order.

    Raises ConfigRejected with every problem.
    """
    findings = Findings()
    if spec.records:
        faults: Faults = defaultdict(list)
        files = tuple(sound_files((Node(file, 1) for file in spec.files), faults))
        tell_faults(faults, len(spec.files), findings)
    else:
        way = {"pattern": Node(spec.pattern, 1)} if spec.pattern else {"files": Node([Node(file, 1) for file in spec.files], 1)}
        _, files = find_sources(way, 1, Path("/"), {}, findings, spec.substitutions)
    if findings.problems:
        raise ConfigRejected(Path(spec.pattern or spec.code), tuple(findings.problems))
    return replace(spec, files=files)
