"""A remedy and an explanation as values, and a remedy's command written out for one project."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.layout import Project

PROGRAM = "padocc-dagster"
READING = ("audit", "check", "compare", "doctor", "explain", "status")
"""Commands that change nothing, so that they ask for no reason."""
WITHOUT_WORKDIR = ("check",)
AGAIN = {"init": "rescan", "scan": "rescan", "compute": "recompute", "validate": "revalidate", "complete": "revalidate"}
"""The command that runs a phase again; publication follows a validation."""
BY_EYE = "WHY IT DOES NO HARM"
TO_FILL_IN = {
    "again": "recompute",
    "dimension": "DIMENSION",
    "field": "concat_dims",
    "memory": "16G",
    "pattern": "NEW_PATTERN",
    "present": "PRESENT_PATTERN",
    "time": "08:00:00",
    "variable": "VARIABLE",
}
"""What a command says where nothing is known of the project; in capitals what the reader has to fill in."""


class Remedy(NamedTuple):
    """Something to try: a sentence that begins with a verb, and the command that does it."""

    sentence: str
    command: str
    """Without the program's name; `{key}` is the project, `{group}` its group, `{again}` the command that runs the phase again,
    `{dimension}` the dimension along which its files seem to follow each other, `{pattern}` a pattern that the reader writes anew,
    `{present}` the one that it has, `{variable}` the variable that differs, `{field}` the field of the config that the failure names,
    `{memory}` and `{time}` more than the last run had requested."""
    unscanned: str = ""
    """The command that does the same before a scan has passed, when there is nothing to compute again."""


class Explanation(NamedTuple):
    """What a failure means, and what to try, the most promising first."""

    meaning: str
    """Ends a sentence that begins "It means that …"."""
    remedies: tuple[Remedy, ...]

    @property
    def advice(self) -> str:
        """The remedies as one line of prose."""
        return "; or ".join(remedy.sentence for remedy in self.remedies)


def written_out(
    remedy: Remedy, project: Project, phase: str = "", why: str = "", root: Path | None = None, known: Mapping[str, str] | None = None
) -> str:
    """The command of a remedy for one project, to be pasted into a shell.

    `why` is the failure that it is tried for, which the step is recorded with. `root` is the working directory; without it, the command
    counts on WORKDIR in the environment. `known` says more of the project (see `Remedy.command`).
    """
    of_project = {"key": str(project), "group": project.group}
    values = {**TO_FILL_IN, **({"again": AGAIN[phase]} if phase in AGAIN else {}), **(known or {}), **of_project}
    words = [word.format(**values) for word in shlex.split(remedy.command)]
    where = ["-w", str(root)] if root and words[0] not in WITHOUT_WORKDIR else []
    reason = [] if words[0] in READING else ["--why", BY_EYE if words[0] == "tick" else f"after {why}" if why else "tried by hand"]
    return shlex.join([PROGRAM, *words, *where, *reason])
