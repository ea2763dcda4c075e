"""The faults of the suite as values: what a test does to a run, which causes it must end by, and the table of what became of all.

Nothing is done or looked up here: `fault_table.py` asks a live instance.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
BY_LAUNCHER = "CANCELLED by the launcher"
REFUSED = "REFUSED"
"""The cause of a run that ended without a job."""
NOTHING = "nothing: a run beside the others"
LEAST_KINDS = 35
WIDTHS = (72, 44, 44, 5, 9, 11, 5, 12)
Row = dict[str, Any]
"""A run with its retries: `kind`, `slurm`, `reported`, `jobs`, `attempts`, `duplicates`, `lost`, `wrong`."""


@dataclass(frozen=True)
class Fault:
    """What is done to a run, in words, and the causes of its attempts, separated by commas; several where the moment decides."""

    kind: str
    causes: tuple[str, ...]
    finishes: bool | None = True
    """Whether the work is done in the end; None where the moment decides."""


Faults = Mapping[str, Fault]
"""By the names of pieces, without a number at their end."""


def fault(kind: str, *causes: str, finishes: bool | None = True) -> Fault:
    """A fault; without causes one that a run must not notice."""
    return Fault(kind, causes or (COMPLETED,), finishes)


def fault_of(piece: str, faults: Faults) -> Fault:
    """What is done to a piece. Raises KeyError for a piece of which nothing is declared."""
    return faults[piece if piece in faults else re.sub(r"[- ]\d+$", "", piece)]


def row_of(fault: Fault, slurm: str, reported: str, **figures: int) -> Row:
    """The row of a run; `wrong` is 1 where the causes reported are not those that were made."""
    wrong = reported not in fault.causes
    shown = f"{reported} (made: {' or '.join(fault.causes)})" if wrong else reported
    return {"kind": fault.kind, "slurm": slurm, "reported": shown, **figures, "wrong": int(wrong)}


def table(rows: Iterable[Row]) -> list[str]:
    """The lines of the table, one for each kind of fault, and their sums."""
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append(row)
    names = sorted(kinds, key=lambda kind: (kind == NOTHING, kind))
    heads = ("fault", "SLURM reported", "the launcher reported", *("jobs", "attempts", "duplicates", "lost", "wrong causes"))
    return [_line(*heads), *(_line(kind, *_texts(kinds[kind]), *_sums(kinds[kind])) for kind in names), figures(rows)]


def figures(rows: Iterable[Row]) -> str:
    """The sums as a line, without the jobs: some are shared by several runs."""
    rows = list(rows)
    _, attempts, duplicates, lost, wrong = _sums(rows)
    of = f"{count_kinds(rows)} kinds of faults, {len(rows)} runs, {attempts} attempts"
    return f"{of}: duplicates = {duplicates}, lost = {lost}, wrong causes = {wrong}"


def count_kinds(rows: Iterable[Row]) -> int:
    return len({row["kind"] for row in rows} - {NOTHING})


def _sums(rows: list[Row]) -> list[int]:
    return [sum(row[name] for row in rows) for name in ("jobs", "attempts", "duplicates", "lost", "wrong")]


def _texts(rows: list[Row]) -> list[str]:
    """What SLURM and the launcher reported, each differing text once."""
    return [" | ".join(dict.fromkeys(row[name] for row in rows)) for name in ("slurm", "reported")]


def _line(*cells: object) -> str:
    return " ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
