"""What all manual steps share: who takes them and why, which projects they are about, and how they are offered.

A step is a function of the working directory and its config. It changes files and nothing else; the conductor sees that, reports it to
Dagster, and goes on. `jobs.py` makes a job for Dagster's launchpad of each, and `commands/` a command, from the same config class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from padocc_dagster.pipeline.steps.choice import OUTCOMES, Choice
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES
from padocc_dagster.pipeline.workdir.step import By, StepRefused, StepResult


class StepConfig(BaseModel):
    """Who takes the step, and why."""

    who: str = Field(
        description="Your name, kept with every project that the step touches; behind a login it may stay as it is",
        examples=["YOUR NAME"],
    )
    why: str = Field(description="The reason, kept with every project that the step touches", examples=["THE REASON"])
    dry_run: bool = Field(False, description="Only show what would be done", examples=[True])

    @property
    def by(self) -> By:
        return By(self.who, self.why)


class ProjectsConfig(StepConfig):
    """Which projects the step is about: by key, or by their state. With neither keys nor a group, all groups are searched."""

    projects: list[str] = Field(
        [],
        description="Keys, 'group:project', or 'group:*' for a whole group (in quotes)",
        json_schema_extra={"argument": True},
        examples=[["GROUP:PROJECT"]],
    )
    group: str | None = Field(None, description="Only projects of this group")
    phase: str | None = Field(None, description=f"Only projects whose last phase is this: {', '.join(PHASES)}")
    outcome: str | None = Field(None, description=f"Only projects whose last phase ended like this: {', '.join(OUTCOMES)}")
    error_class: str | None = Field(None, description="Only projects that stopped with this error class, as `status` shows it")

    @property
    def choice(self) -> Choice:
        return Choice(tuple(self.projects), self.group, self.phase, self.outcome, self.error_class)


@dataclass(frozen=True)
class ManualStep:
    """One manual step."""

    job: str
    """The name of its job in Dagster."""
    config: type[StepConfig]
    carry_out: Callable[[Workdir, Any], StepResult]
    """What `take` does once there is a name and a reason."""
    description: str
    follows: str = ""
    """What follows, in a sentence."""
    would: str = "would be"
    """What a dry run says before what the step does."""

    @property
    def example(self) -> dict[str, Any]:
        """The config that the launchpad opens with: a dry run, with words in capitals to be replaced."""
        return {name: field.examples[0] for name, field in self.config.model_fields.items() if field.examples}

    def take(self, workdir: Workdir, config: StepConfig, proven: str = "") -> StepResult:
        """Take the step, or as a dry run say what it would do. Raises StepRefused, with every problem and nothing changed, for a config
        that is wrong.

        `proven` is the name of whoever takes the step as the system or a login knows it, empty where neither does: see `signature`.
        """
        if proven and config.who == self.example["who"]:
            config = config.model_copy(update={"who": proven})
        given = {"who": (config.who, "your name"), "why": (config.why, "the reason")}
        if not config.dry_run and (left := [name for name, (text, _) in given.items() if text == self.example[name]]):
            raise StepRefused([f"{name} is {self.example[name]!r} still: give {given[name][1]}, which is kept" for name in left])
        if blank := [f"{name} is blank: give {what}, which is kept" for name, (text, what) in given.items() if not text.strip()]:
            raise StepRefused(blank)
        result = self.carry_out(workdir, config.model_copy(update={"who": signature(config.who.strip(), proven)}))
        if config.dry_run:
            result.done = {project: f"{self.would} {what}" for project, what in result.done.items()}
        return result


def signature(typed: str, proven: str) -> str:
    """Who takes a step, as it is recorded: the proven name, and what was typed where that differs. A name that was only typed ends in
    `(typed)`."""
    if not proven:
        return f"{typed} (typed)"
    return proven if typed == proven else f"{proven} (typed: {typed})"
