"""Withdrawn products: what was published and is no longer offered to readers, with who, why and when.

    <shelf>/.withdrawn/<name>/                    the product and its report, as they were
    <shelf>/.withdrawn/<name>_withdrawal.json     who, why, when; written before the product is moved
    <name>.WITHDRAWN.txt                          where the product was: what happened and what to use, for readers

A revision that was withdrawn is never published again: a later publication gets the next version.
"""

import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json, write_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.published import NAME, Published, published_in

FOLDER = ".withdrawn"
SUFFIX = "_withdrawal.json"
NOTE = ".WITHDRAWN.txt"


@dataclass(frozen=True)
class Withdrawal:
    """One product taken back."""

    name: str
    who: str
    why: str
    when: str
    """ISO 8601 with the zone."""


def withdrawals(shelf: Path) -> list[Withdrawal]:
    """What was withdrawn from a shelf, by name. A record that cannot be read still counts, by its name."""
    found = []
    for path in sorted((shelf / FOLDER).glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        try:
            found.append(Withdrawal(**read_json(path)))
        except (CorruptFileError, TypeError):
            found.append(Withdrawal(name, "an unknown person", "the record cannot be read", ""))
    return found


def withdrawal_of(shelf: Path, name: str) -> Withdrawal | None:
    """Who withdrew this revision, or one that differs from it by its links alone (`k1.0` and `kr1.0`); None when nobody did."""
    return next((each for each in withdrawals(shelf) if _same(each.name) == _same(name)), None)


def withdrawn_projects(workdir: Workdir, group: str) -> dict[str, Withdrawal]:
    """Project code → its last withdrawal, of the projects with no published product left in the group's folder."""
    found = {match["code"]: each for each in withdrawals(workdir.completed / group) if (match := NAME.fullmatch(each.name))}
    left = {each.code for each in published_in(workdir, group)} if found else set()
    return {code: each for code, each in found.items() if code not in left}


def withdraw_product(published: Published, others: list[str], who: str, why: str) -> Withdrawal:
    """Move a published product aside in one rename and leave a note. `others` are the names of what readers can use instead.

    Interrupted anywhere and called again, it completes with the first caller's name and reason.
    """
    aside, record = published.shelf / FOLDER, published.shelf / FOLDER / f"{published.name}{SUFFIX}"
    if record.exists():
        withdrawal = withdrawal_of(published.shelf, published.name) or Withdrawal(published.name, who, why, "")
    else:
        withdrawal = Withdrawal(published.name, who, why, datetime.now().astimezone().isoformat(timespec="seconds"))
        write_json(record, asdict(withdrawal))
    write_text(note_path(published), note_text(published, withdrawal, others))
    target = aside / published.name
    if published.by_padocc:
        target.mkdir(exist_ok=True)
        target = target / published.place.name
    if published.place.exists():
        os.rename(published.place, target)
    return withdrawal


def note_path(published: Published) -> Path:
    """Where a reader who looks for the product finds the note."""
    return published.place.parent / f"{published.name}{NOTE}"


def note_text(published: Published, withdrawal: Withdrawal, others: list[str]) -> str:
    """The note for readers of the product."""
    use = f"Use {', '.join(others)} in this folder instead." if others else "No other version is published yet."
    lines = [
        f"{published.product.path.name} was withdrawn on {withdrawal.when} by {withdrawal.who}.",
        f"Reason: {withdrawal.why}",
        "",
        f"{use} A corrected version gets a new number and is published here as {published.code}_<revision>.",
        f"The withdrawn product is kept in {FOLDER}/{published.name} and must not be used.",
        "",
    ]
    return "\n".join(lines)


def is_begun(published: Published) -> bool:
    """Whether somebody withdrew the product; where it still lies in its place, that was interrupted."""
    return (published.shelf / FOLDER / f"{published.name}{SUFFIX}").exists()


def _same(name: str) -> tuple[str, str]:
    """What two revisions have in common that differ by their links alone."""
    found = NAME.fullmatch(name)
    return (found["code"], re.sub(r"^(k|c)r", r"\1", found["revision"])) if found else (name, "")
