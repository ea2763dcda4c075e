"""What may be done unattended in a group beyond starting the next phase. Off unless somebody set it, bounded, and recorded.

    groups/<group>/padocc_dagster/rules.yaml
        next_aggregator: true               a computation that failed is tried with the aggregator not tried yet: V, K
        formats: [zarr]                     and then in this format
        quarantine_after: 5                 so many failures of a phase since its upstream was made: on the faultlist
        complete_on_warnings: [bypassed]    validations with other warnings wait for a tick

SHEPARD always does the first and the third (`padocc/groups/shepard.py:101`), and reports neither.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from padocc_dagster.pipeline.workdir.files import read_text, write_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.step import By, StepRefused

NAMES = ("next_aggregator", "formats", "quarantine_after", "complete_on_warnings")
PROVENANCE = ("set_by", "set_because", "set_at")
"""The other entries of the file."""
OFF = "off"
NONE = "none"
"""No warning at all lets a project pass without a tick."""


@dataclass(frozen=True)
class Rules:
    """The rules of one group."""

    next_aggregator: bool = False
    formats: tuple[str, ...] = ()
    quarantine_after: int | None = None
    complete_on_warnings: tuple[str, ...] | None = None
    """Names of PADOCC's warnings; None lets all of them pass."""

    def __str__(self) -> str:
        return ", ".join(f"{name}={word}" for name, word in self.words().items())

    def words(self) -> dict[str, str]:
        """Each rule's value as `--set` takes it."""
        return {name: OFF if value == getattr(Rules(), name) else _word(value) for name, value in asdict(self).items()}

    def sentences(self) -> list[str]:
        """What each rule lets happen unattended, each with its setting."""
        warnings, most = self.complete_on_warnings, self.quarantine_after
        meanings = {
            "next_aggregator": f"a computation that failed is {'' if self.next_aggregator else 'not '}tried with the other aggregator",
            "formats": f"{'then as ' + ', '.join(self.formats) if self.formats else 'no other cloud format is tried'}",
            "quarantine_after": f"a project is given up after {most} failures" if most else "no project is given up",
            "complete_on_warnings": "a product is published with any warning of its validation"
            if warnings is None
            else f"a product is published only with {'these warnings' if warnings else 'no warning'}; others wait for a tick",
        }
        return [f"{name}={word}: {meanings[name]}" for name, word in self.words().items()]


def rules_file(workdir: Workdir, group: str) -> Path:
    return workdir.group_dir(group) / "padocc_dagster" / "rules.yaml"


def read_rules(workdir: Workdir, group: str) -> Rules:
    """The group's rules; none when nobody set any. Raises ValueError, with what to do, for a file that cannot be rules."""
    path = rules_file(workdir, group)
    try:
        return _rules(yaml.safe_load(read_text(path)))
    except FileNotFoundError:
        return Rules()
    except (yaml.YAMLError, OSError, ValueError) as error:
        remedy = f"correct it, or remove it and set them anew with `padocc-dagster rules {group} --set …`"
        raise ValueError(f"{path} cannot be read as rules ({' '.join(str(error).split())}): {remedy}") from None


def set_rules(workdir: Workdir, group: str, settings: dict[str, str], by: By, dry_run: bool = False) -> Rules:
    """Change these rules of the group, and return all of them. Raises ValueError for wrong settings, and for a file that is no rules.

    They are read, changed and written under the group's lock, so that two people's changes at once are both kept.
    """
    if dry_run:
        return changed_rules(read_rules(workdir, group), settings)
    try:
        with held(workdir.group_lock(group), f"group {group}"):
            rules = changed_rules(read_rules(workdir, group), settings)
            write_rules(workdir, group, rules, by)
            return rules
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None


def changed_rules(rules: Rules, settings: dict[str, str]) -> Rules:
    """The rules with these settings, as words; `off` takes a rule away. Raises StepRefused with every problem."""
    value, problems = asdict(rules), []
    for name, text in settings.items():
        try:
            value[name] = _parsed(name, text)
        except ValueError as problem:
            problems.append(str(problem))
    if problems:
        raise StepRefused(problems)
    return Rules(**value)


def write_rules(workdir: Workdir, group: str, rules: Rules, by: By) -> None:
    """Write them, with who set them and why; the group's lock is held."""
    kept = {name: found for name, found in asdict(rules).items() if found not in (None, False, ()) or (name, found) == (NAMES[3], ())}
    value = {name: list(found) if isinstance(found, tuple) else found for name, found in kept.items()}
    content = {**value, "set_by": by.who, "set_because": by.why, "set_at": datetime.now().astimezone().isoformat(timespec="seconds")}
    write_text(rules_file(workdir, group), yaml.safe_dump(content, sort_keys=False))


def _parsed(name: str, text: str) -> Any:
    if name not in NAMES:
        raise ValueError(f"there is no rule {name!r}: {nearest(name, NAMES)}")
    if text == OFF:
        return getattr(Rules(), name)
    if name == "next_aggregator":
        if text != "true":
            raise ValueError(f"next_aggregator is {text!r}: write true or off")
        return True
    if name == "quarantine_after":
        if not text.isdecimal() or int(text) < 1:
            raise ValueError(f"quarantine_after is {text!r}: write a number of attempts, 1 or more, or off")
        return int(text)
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if name == "formats" and words != ("zarr",):
        raise ValueError(f"formats is {text!r}: the only other format that is tried unattended is zarr; write zarr or off")
    return words if words != (NONE,) else ()


def _rules(value: Any) -> Rules:
    """The rules in a file's content. Anything else in it may be a rule misspelt, which must not read as one that nobody set."""
    if not isinstance(value, dict):
        raise ValueError(f"it holds {'nothing' if value is None else 'a ' + type(value).__name__}, expected RULE: VALUE on each line")
    texts: dict[str, str] = {}
    problems: list[str] = []
    for name, found in value.items():
        try:
            texts |= {} if name in PROVENANCE else {str(name): _text(found)}
        except ValueError as problem:
            problems.append(f"{name} {problem}")
    try:
        rules = changed_rules(Rules(), texts)
    except StepRefused as refused:
        problems += refused.problems
    if problems:
        raise ValueError("; ".join(problems))
    return rules


def _word(value: Any) -> str:
    """A rule's value in the words of `--set`."""
    return OFF if value in (None, False) else _text(list(value) if isinstance(value, tuple) else value)


def _text(found: Any) -> str:
    """A value of the file in the words of `--set`. YAML reads a bare off as False."""
    if found is False:
        return OFF
    if isinstance(found, list) and all(isinstance(word, str) for word in found):
        return ",".join(found) or NONE
    if isinstance(found, str | int):
        return str(found).lower() if found is True else str(found)
    raise ValueError(f"is {found!r}: write a word, a number or a list of words")
