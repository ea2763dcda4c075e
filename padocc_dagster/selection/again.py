"""The source files of a project looked up again, for a project that is initialised again."""

from dataclasses import replace
from pathlib import Path

from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.selection.problems import ConfigRejected, Findings
from padocc_dagster.selection.sources import find_sources
from padocc_dagster.selection.tree import Node


def find_again(spec: ProjectSpec) -> ProjectSpec:
    """The spec with the files that its pattern, list file or own list stands for now. Raises ConfigRejected with every problem."""
    findings = Findings()
    way = {"pattern": Node(spec.pattern, 1)} if spec.pattern else {"files": Node([Node(file, 1) for file in spec.files], 1)}
    _, files = find_sources(way, 1, Path("/"), {}, findings, spec.substitutions)
    if findings.problems:
        raise ConfigRejected(Path(spec.pattern or spec.code), tuple(findings.problems))
    return replace(spec, files=files)
