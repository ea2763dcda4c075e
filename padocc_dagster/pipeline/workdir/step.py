"""A manual step as values: who takes it and why, its result, and why it was refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.layout import Project


class By(NamedTuple):
    """Who takes a step, and why: kept with every project that it touches."""

    who: str
    why: str


class StepRefused(ValueError):
    """A step with a wrong config, which changed nothing. `problems` has a sentence for each."""

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass
class StepResult:
    """What a step did (or, as a dry run, would do) for each project, and what it could not do and why."""

    done: dict[Project, str] = field(default_factory=dict)
    not_done: dict[Project, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Further sentences for people."""

    def __str__(self) -> str:
        left = f", {len(self.not_done)} not done" if self.not_done else ""
        return f"{len(self.done)} done{left}"
