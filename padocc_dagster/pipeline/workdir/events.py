"""The events of a project: typed records of all that PADOCC's status log cannot hold. `event_log.py` appends and reads them.

Each event has the number of rows that the status log had when it was appended: PADOCC's times are minutes.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.used import Used

FORMAT = 1
Phase = Literal["init", "scan", "compute", "validate", "complete"]


class Event(BaseModel):
    """What all events have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    when: datetime = Field(default_factory=lambda: datetime.now(UTC))
    row: int = 0
    """How many rows the status log had."""


class PhaseEnded(Event):
    """A run of this package ended a phase; `row` counts the row of that end."""

    kind: Literal["ended"] = "ended"
    project: str
    """The key at that time: a row that came along from another group is no work done here."""
    phase: Phase
    verdict: Verdict
    status: str
    error_class: str | None = None
    message: str = ""
    log_path: str | None = None
    log_tail: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    run: str = ""
    """The Dagster run."""
    used: Used | None = None
    """None where the worker could not say."""

    @classmethod
    def of(cls, project: Project, outcome: Outcome, run: str, row: int, used: Used | None = None) -> "PhaseEnded":
        """The event of an outcome, about this row of the status log."""
        return cls(project=str(project), run=run, used=used, **{**outcome.as_dict(), "row": row})

    @property
    def outcome(self) -> Outcome:
        """The outcome as it was."""
        return Outcome(**{field.name: getattr(self, field.name) for field in fields(Outcome)})


class PhaseBegan(Event):
    """A run of this package began a phase. Where no end follows, its worker died, even if PADOCC had written its row by then."""

    kind: Literal["began"] = "began"
    phase: Phase
    run: str = ""
    """The Dagster run."""


class Step(Event):
    """A manual step of a person, or of a rule of the group, which `who` then names. `str()` describes it, without person and reason."""

    sentence: ClassVar[str] = ""
    """The text of `str()`, with the names of fields."""
    who: str
    why: str
    run: str = ""
    """The Dagster run of the step; for a run that repeats another, the first one: they take the step once."""

    def __str__(self) -> str:
        return self.sentence.format_map(vars(self))


class PhaseRequested(Step):
    """A phase is to be run again."""

    kind: Literal["requested"] = "requested"
    phase: Phase
    choices: dict[str, Any] = {}
    """Options of a computation, as `compute` takes them."""
    tags: dict[str, str] = {}
    """Tags for the run: the time and memory that it may use."""

    def __str__(self) -> str:
        return f"{self.phase} again{choices_in_words(self.choices)}"


class Ticked(Step):
    """The result of PADOCC's validation was accepted; `steps/tick.py` decides how long that holds."""

    kind: Literal["ticked"] = "ticked"
    sentence: ClassVar[str] = "ticked: {accepted} is accepted"
    accepted: str
    """PADOCC's status of the validation."""
    product: str
    """The fingerprint of the product."""

    def as_dict(self) -> dict[str, str]:
        """For reports."""
        return self.model_dump(mode="json", include={"who", "why", "when", "accepted", "product"})


class Unticked(Step):
    """A tick was taken back."""

    kind: Literal["unticked"] = "unticked"
    sentence: ClassVar[str] = "no longer ticked: {accepted} holds again"
    accepted: str


class Faultlisted(Step):
    """The project was given up."""

    kind: Literal["faultlisted"] = "faultlisted"
    before: str | None = None
    """The reason that was on the faultlist."""

    def __str__(self) -> str:
        return "on the faultlist" + (f" (before: {self.before})" if self.before is not None else "")


class Unfaultlisted(Step):
    """The project was taken off the faultlist."""

    kind: Literal["unfaultlisted"] = "unfaultlisted"
    sentence: ClassVar[str] = "off the faultlist"


class Edited(Step):
    """Fields of the project's config were changed, and it was initialised again."""

    kind: Literal["edited"] = "edited"
    sentence: ClassVar[str] = "{changes}"
    changes: str
    """For people: each field as it was and is."""


class SelectedAgain(Step):
    """The records of a catalogue were selected again, and the project was initialised from them."""

    kind: Literal["selected_again"] = "selected_again"
    sentence: ClassVar[str] = "selected again: {changes}"
    changes: str
    """For people: what changed in the catalogue."""


class ItemsWithdrawn(Step):
    """The catalogue withdrew items that the project was made from; the project was left as it was."""

    kind: Literal["items_withdrawn"] = "items_withdrawn"
    sentence: ClassVar[str] = "withdrawn: {items}"
    items: str
    """For people: their names, and why."""


class Moved(Step):
    """The project came from another group."""

    kind: Literal["moved"] = "moved"
    sentence: ClassVar[str] = "{how} from {source} to {target}"
    how: Literal["transferred", "merged", "split off"]
    source: str
    target: str


class Removed(Step):
    """The project was taken out of its group."""

    kind: Literal["removed"] = "removed"
    files_kept: bool = False

    def __str__(self) -> str:
        return "removed" + (", files kept" if self.files_kept else "")


class Added(Step):
    """The project was added to a group that was there."""

    kind: Literal["added"] = "added"
    back: bool = False
    """It was removed before, and its files were kept."""

    def __str__(self) -> str:
        return "added back, with the files that were kept" if self.back else "added"


class Adopted(Step):
    """A project that plain PADOCC made was taken over."""

    kind: Literal["adopted"] = "adopted"
    sentence: ClassVar[str] = "adopted: {state}"
    state: str
    """For people: its last phase, and how that ended."""


class SourcesAccepted(Step):
    """Changed sources of a published product were accepted, the values being equal."""

    kind: Literal["sources_accepted"] = "sources_accepted"
    sentence: ClassVar[str] = "{files} changed source file(s) of {product} accepted: its values equal theirs"
    product: str
    """The name of the published product, as in `Published.name`."""
    files: int


class ProductWithdrawn(Step):
    """A published product was withdrawn."""

    kind: Literal["product_withdrawn"] = "product_withdrawn"
    sentence: ClassVar[str] = "{product} withdrawn from {folder}; readers find {product}.WITHDRAWN.txt there"
    product: str
    """The name of the published product."""
    folder: str
    """Where it lay, and where readers find a note."""


class Compared(Event):
    """The product was compared with its sources; `comparison.json` has the report."""

    kind: Literal["compared"] = "compared"
    passed: bool
    product: str
    """The fingerprint of the product."""
    used: Used | None = None


class StartFailed(Event):
    """A run that was requested for a phase ended before its first step."""

    kind: Literal["start_failed"] = "start_failed"
    phase: str
    """The phase, or `compare`."""
    run: str
    reason: str
    count: int
    """How often in a row."""
    retry_at: datetime


AnyStep = (
    PhaseRequested
    | Ticked
    | Unticked
    | Faultlisted
    | Unfaultlisted
    | Edited
    | SelectedAgain
    | ItemsWithdrawn
    | Moved
    | Removed
    | Added
    | Adopted
    | SourcesAccepted
    | ProductWithdrawn
)
AnyEvent = Annotated[PhaseBegan | PhaseEnded | Compared | StartFailed | AnyStep, Field(discriminator="kind")]
parser: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def in_json(steps: Mapping[str, Step]) -> dict[str, dict[str, Any]]:
    """Steps as a worker is given them, to be read by `step_from`."""
    return {code: step.model_dump(mode="json") for code, step in steps.items()}


def step_from(value: dict[str, Any]) -> Step:
    """The step of a record. Raises ValidationError for anything else."""
    event = parser.validate_python(value)
    assert isinstance(event, Step)
    return event


def choices_in_words(choices: Mapping[str, Any]) -> str:
    """Options of a computation, to end a sentence."""
    given = [name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}" for name, value in choices.items() if value]
    return f" with {', '.join(given)}" if given else ""
