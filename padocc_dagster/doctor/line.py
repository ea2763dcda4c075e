"""One line of what the doctor says: what was looked at, how it is, and what was found or what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"
    """It could not be looked at, or was not to be; why is said."""


@dataclass(frozen=True)
class Line:
    """What was looked at, and a sentence: what was found, what to do, or why it was not checked."""

    subject: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.subject}: {self.text}"


def ok(subject: str, found: str) -> Line:
    return Line(subject, Verdict.OK, found)


def wrong(subject: str, what_to_do: str) -> Line:
    return Line(subject, Verdict.WRONG, what_to_do)


def not_checked(subject: str, why: str) -> Line:
    return Line(subject, Verdict.NOT_CHECKED, why)


def judged(subject: str, problems: Iterable[str], found: str) -> list[Line]:
    """A line for each problem; without one, what was found is ok."""
    return [wrong(subject, problem) for problem in problems] or [ok(subject, found)]


def is_fine(lines: Iterable[Line]) -> bool:
    """Whether nothing among them is wrong."""
    return all(line.verdict is not Verdict.WRONG for line in lines)
