"""An allocation: what one job requests from a cluster. How it reads as text, how two are merged, how it grows and is capped."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from padocc_dagster.batch.amounts import (
    MOST_MIB,
    MOST_SECONDS,
    parse_cpus,
    parse_memory,
    parse_name,
    parse_names,
    parse_time,
    print_memory,
    print_time,
    shown,
    whole_minutes,
)


class AllocationError(ValueError):
    """Something requested that no cluster can give. `problems` holds one sentence for each; the message has them one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class _Word(NamedTuple):
    """A word of the text form: its field, how its text is read and printed, and what a sentence calls it."""

    field: str
    parse: Callable[[str], Any]
    print: Callable[[Any], str]
    called: str


WORDS = {
    "time": _Word("wall_seconds", parse_time, print_time, "wall time"),
    "memory": _Word("memory_mib", parse_memory, print_memory, "memory"),
    "cpus": _Word("cpus", parse_cpus, str, "number of CPUs"),
    "partition": _Word("partition", lambda text: ",".join(parse_names(text)), str, "SLURM partition"),
    "qos": _Word("qos", parse_name, str, "QoS"),
    "account": _Word("account", parse_name, str, "account"),
    "exclude": _Word("exclude", parse_names, ",".join, "excluded nodes"),
}
SIZES = ("time", "memory", "cpus")
TAGS = {f"padocc/{size}": size for size in SIZES}
"""The run tags by which a person requests a size from any launcher, and the word that each gives."""


@dataclass(frozen=True)
class Allocation:
    """What one job requests; None (and no node) where nothing is requested.

    `str()` gives one line of what is requested, and `parse` reads exactly the same allocation back from it:

        time=00:15:00 memory=2G cpus=1 partition=main qos=standard account=demo exclude=n1,n2

    Wall time is rounded up to whole minutes, as SLURM does; nodes are sorted. Raises AllocationError for what cannot be requested.
    """

    wall_seconds: int | None = None
    memory_mib: int | None = None
    """Of each node."""
    cpus: int | None = None
    partition: str | None = None
    """A SLURM partition, or several with commas: the first to be free is taken. Only SLURM's launcher reads this and the next two."""
    qos: str | None = None
    account: str | None = None
    exclude: tuple[str, ...] = ()
    """Nodes that the job must not run on."""

    def __post_init__(self) -> None:
        if self.wall_seconds is not None:
            object.__setattr__(self, "wall_seconds", whole_minutes(self.wall_seconds))
        object.__setattr__(self, "exclude", tuple(sorted(set(self.exclude))))
        _read({word: (WORDS[word].called, text) for word, text in self._texts().items()})

    def __str__(self) -> str:
        return " ".join(f"{word}={text}" for word, text in self._texts().items())

    def _texts(self) -> dict[str, str]:
        """What is requested, by its word."""
        values = {word: getattr(self, known.field) for word, known in WORDS.items()}
        return {word: WORDS[word].print(value) for word, value in values.items() if value is not None and value != ()}

    @classmethod
    def parse(cls, text: str) -> Self:
        """The allocation that `str()` printed. Raises AllocationError with all that is wrong."""
        problems, texts = [], {}
        for part in text.split():
            word, _, value = part.partition("=")
            if word not in WORDS:
                problems.append(f"{shown(part)} is no part of an allocation: known are {', '.join(f'{known}=' for known in WORDS)}")
            elif word in texts:
                problems.append(f"{word} is given twice: keep one")
            else:
                texts[word] = (word, value)
        return cls(**_read(texts, problems))

    @classmethod
    def from_tags(cls, tags: Mapping[str, str], known: Mapping[str, str]) -> Self:
        """What a person requests by run tags. `known` maps a tag to the word that it gives, as TAGS does; other tags are ignored.

        Raises AllocationError with a sentence for each bad tag: which, its value, what is allowed.
        """
        problems: list[str] = []
        texts: dict[str, tuple[str, str]] = {}
        for tag, word in known.items():
            if tag in tags and word in texts:
                problems.append(f"{texts[word][0]} and {tag} are both set: keep one")
            elif tag in tags:
                texts[word] = (f"run tag {tag}", tags[tag])
        return cls(**_read(texts, problems))

    @classmethod
    def from_texts(cls, texts: Mapping[str, tuple[str, str]]) -> Self:
        """What texts request, given by word, each with what a sentence calls it. Raises AllocationError with all that is wrong."""
        return cls(**_read(texts))

    def merged(self, stronger: "Allocation") -> "Allocation":
        """Both together: what the stronger requests wins. Nodes that either excludes stay excluded."""
        fields = {known.field: getattr(stronger, known.field) for known in WORDS.values()}
        fields = {field: value for field, value in fields.items() if value is not None}
        return replace(self, **{**fields, "exclude": (*self.exclude, *stronger.exclude)})

    def larger(self, other: "Allocation") -> "Allocation":
        """This one with the larger of both for each size, and with the nodes that either excludes."""
        return replace(self, **self._sizes(other, max), exclude=(*self.exclude, *other.exclude))

    def smaller(self, other: "Allocation") -> "Allocation":
        """This one with the smaller of both for each size."""
        return replace(self, **self._sizes(other, min))

    def _sizes(self, other: "Allocation", choose: Callable[[list[int]], int]) -> dict[str, Any]:
        both = {WORDS[size].field: (getattr(self, WORDS[size].field), getattr(other, WORDS[size].field)) for size in SIZES}
        given = {field: [value for value in values if value is not None] for field, values in both.items()}
        return {field: choose(values) for field, values in given.items() if values}

    def escalated(self, memory: bool = False, wall: bool = False, exclude: Iterable[str] = ()) -> "Allocation":
        """What the next attempt requests: twice the memory, twice the wall time, other nodes. What is None stays None."""
        return replace(
            self,
            memory_mib=min(2 * self.memory_mib, MOST_MIB) if memory and self.memory_mib else self.memory_mib,
            wall_seconds=min(2 * self.wall_seconds, MOST_SECONDS) if wall and self.wall_seconds else self.wall_seconds,
            exclude=(*self.exclude, *exclude),
        )

    def capped(self, largest: "Allocation") -> tuple["Allocation", tuple[str, ...]]:
        """The allocation within the largest wall time, memory and CPUs, and a sentence for each that was cut."""
        cut, sentences = {}, []
        for known in map(WORDS.__getitem__, SIZES):
            wanted, most = getattr(self, known.field), getattr(largest, known.field)
            if wanted is not None and most is not None and wanted > most:
                cut[known.field] = most
                sentences.append(f"{known.called} {known.print(wanted)} was cut to {known.print(most)}, the most that is allowed")
        return replace(self, **cut), tuple(sentences)


def _read(texts: Mapping[str, tuple[str, str]], problems: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of texts given by word, each with what to call it. Raises AllocationError with the problems so far and all new ones."""
    fields, problems = {}, list(problems)
    for word, (called, text) in texts.items():
        try:
            fields[WORDS[word].field] = WORDS[word].parse(text)
        except ValueError as error:
            problems.append(f"{called}: {error}")
    if problems:
        raise AllocationError(problems)
    return fields
