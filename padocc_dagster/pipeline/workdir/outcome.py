"""How a phase ended, as a value."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

PHASES = ("init", "scan", "compute", "validate", "complete")


class Verdict(StrEnum):
    """The four ends of a phase. A warning lets the project go on; a failure holds it until somebody corrects it."""

    OK = "ok"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """The end of one phase of one project."""

    phase: str
    verdict: Verdict
    status: str
    """PADOCC's own status text, as in status_log.csv."""
    error_class: str | None = None
    """The class of the exception that ended the phase (not PADOCC's `Failed-<first word of the message>`)."""
    message: str = ""
    log_path: str | None = None
    log_tail: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    row: int = 0
    """The number, from 1, of the row of the status log about it; 0 for a phase that did not begin."""

    @property
    def passed(self) -> bool:
        return self.verdict in (Verdict.OK, Verdict.WARNED)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Outcome":
        return cls(**{**value, "verdict": Verdict(value["verdict"]), "log_tail": tuple(value["log_tail"])})
