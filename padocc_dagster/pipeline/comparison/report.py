"""What a comparison found."""

from dataclasses import asdict, dataclass, field
from typing import Any

SHARED, NEARLY_SHARED, STACKED, UNJOINED = "shared", "nearly shared", "stacked", "unjoined"
"""Kinds of problems that have remedies of their own: a variable that the product has once for all files differs between files, differs by
rounding only, was joined like data because it differs, or was left alone because PADOCC found no dimension to join the files along."""
SHOWN_PER_KIND = 4
ENOUGH = 40
LISTS = ("problems", "variables_at_fault", "information", "variables", "reasons")


@dataclass(frozen=True)
class Comparison:
    """The result of one comparison. It is bound to the bytes it saw by two fingerprints."""

    product_path: str
    cloud_format: str
    problems: tuple[str, ...]
    """Why the product is refused; empty when it equals its sources."""
    variables_at_fault: tuple[str, ...]
    """The variables that problems are about."""
    information: tuple[str, ...]
    """What differs without harm: attributes, encodings, chunks that hold only the fill value."""
    files_total: int
    files_compared: int
    """Files of which every variable was read and compared, value by value."""
    sampling: str
    """What was proved and read, how, and for how many files, and what was not, in one sentence or two."""
    variables: tuple[dict[str, Any], ...]
    """One row a variable: name, dimensions, shape, chunks expected and present, how it was compared, files proved and compared."""
    product_fingerprint: str
    source_fingerprint: str
    seconds: float
    reasons: tuple[str, ...] = ()
    """The kinds of the problems, in their order: see `Findings.problem`."""
    files_proved: int = 0
    """Files of which every reference was held against the file's own chunk index; what else the product has of them was read."""

    @property
    def passed(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        lists = {name: list(getattr(self, name)) for name in LISTS}
        return {**asdict(self), **lists, "passed": self.passed}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Comparison":
        """Read back what `as_dict` gave, also with what `verify` adds to it. Raises KeyError or TypeError for anything else."""
        value = {name: item for name, item in value.items() if name not in ("passed", "options")}
        tuples = {name: tuple(value[name]) for name in LISTS if name in value or name != "reasons"}
        return cls(**{**value, **tuples})


def in_words(error: Exception) -> str:
    """An exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


@dataclass
class Findings:
    """Collects sentences while the comparison runs; a damage that repeats a thousand times is shown a few times and counted."""

    information: list[str] = field(default_factory=list)
    _problems: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def problem(self, kind: str, sentence: str, variable: str = "") -> None:
        """Note a reason to refuse. Reasons of one kind, such as 'values', and of one variable are shown together.

        Remedies are found by the kind (`remedies/own.py`).
        """
        key = (kind, variable)
        self._counts[key] = self._counts.get(key, 0) + 1
        shown = self._problems.setdefault(key, [])
        if len(shown) < SHOWN_PER_KIND:
            shown.append(sentence)

    def inform(self, sentence: str) -> None:
        if sentence not in self.information:
            self.information.append(sentence)

    def absorb(self, other: "Findings") -> None:
        """Add what another part of the comparison found."""
        for sentence in other.information:
            self.inform(sentence)
        for key, shown in other._problems.items():
            for sentence in shown:
                self.problem(key[0], sentence, key[1])
            self._counts[key] += other._counts[key] - len(shown)

    @property
    def count(self) -> int:
        return sum(self._counts.values())

    @property
    def enough(self) -> bool:
        """So much is wrong that more of it would be no news."""
        return self.count >= ENOUGH

    def problems(self) -> tuple[str, ...]:
        """Every sentence, those of one kind together."""
        sentences: list[str] = []
        for (kind, variable), shown in self._problems.items():
            sentences += shown
            hidden = self._counts[kind, variable] - len(shown)
            if hidden:
                sentences.append(f"{kind} of {variable}: {hidden} more of the same sort" if variable else f"{kind}: {hidden} more")
        return tuple(sentences)

    def reasons(self) -> tuple[str, ...]:
        """The kinds of problems, each once."""
        return tuple(dict.fromkeys(kind for kind, _ in self._problems))

    def variables(self) -> tuple[str, ...]:
        """The variables that problems are about, each once."""
        return tuple(dict.fromkeys(variable for _, variable in self._problems if variable))
