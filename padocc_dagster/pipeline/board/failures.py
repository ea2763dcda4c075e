"""The projects of a group that stopped, by phase and error class, with commands for all of a class at once."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from padocc_dagster.pipeline.board.facts import FAULTLISTED, Facts
from padocc_dagster.pipeline.remedies import Remedy, remedy_for, written_out
from padocc_dagster.pipeline.remedies.known import before_compute
from padocc_dagster.pipeline.remedies.tries import RESCAN
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict

OF_MANY = ("accept", "edit", "faultlist", "recompute", "remove", "rescan", "revalidate", "tick", "withdraw", "{again}")
"""Commands that take projects by their state. The others are written out for the first project."""


@dataclass(frozen=True)
class Failure:
    """Projects that stopped alike."""

    phase: str
    error_class: str
    codes: tuple[str, ...]
    why: str
    """Of the first of them."""
    meaning: str
    remedies: tuple[tuple[str, str], ...]
    """What can be tried: a sentence, and the command to paste."""


def failures_of(workdir: Workdir, group: str, facts: Iterable[Facts]) -> list[Failure]:
    """The kinds of failures, the most frequent first."""
    alike: dict[tuple[str, str], list[Facts]] = {}
    for each in facts:
        if each.place == "stopped":
            alike.setdefault((each.state.phase, each.error_class), []).append(each)
    found = (_failure(workdir, group, phase, error_class, members) for (phase, error_class), members in alike.items())
    return sorted(found, key=lambda failure: -len(failure.codes))


def _failure(workdir: Workdir, group: str, phase: str, error_class: str, members: list[Facts]) -> Failure:
    explanation, first = remedy_for(error_class), Project(group, members[0].code)
    remedies = list(explanation.remedies)
    if phase in ("init", "scan") and error_class != FAULTLISTED:
        remedies = before_compute(remedies) or [RESCAN]
    if len(members) > 1:
        remedies = [_of_all(remedy, members[0]) for remedy in remedies]
    commands = tuple((remedy.sentence, written_out(remedy, first, phase, error_class, workdir.root)) for remedy in remedies)
    return Failure(phase, error_class, tuple(each.code for each in members), members[0].state.why, explanation.meaning, commands)


def _of_all(remedy: Remedy, one: Facts) -> Remedy:
    """The remedy for all projects of the group that stopped like this one, where its command takes many."""
    alike = f"--outcome {one.state.outcome}"
    if one.state.verdict is Verdict.FAILED:
        alike += f" --error-class {shlex.quote(one.error_class)}"
    elif one.state.faultlisted is None:
        return remedy
    if not remedy.command.startswith(OF_MANY):
        return remedy
    literal = alike.replace("{", "{{").replace("}", "}}")  # commands are split into words, and each is formatted
    return remedy._replace(command=remedy.command.replace("{key}", f"--group {{group}} --phase {one.state.phase} {literal}"))
