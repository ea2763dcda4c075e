"""What may be done unattended in a group beyond starting the next phase. Off unless somebody set it, bounded, and written down.

    groups/<group>/padocc_dagster/rules.yaml
        next_aggregator: true               a computation that failed is tried with the aggregator not tried yet: V, K
        formats: [zarr]                     and then in this format
        quarantine_after: 5                 so many failures of a phase since its upstream was made: on the faultlist
        complete_on_warnings: [bypassed]    validations with other warnings wait for a tick

SHEPARD does the first and the third without being asked (`padocc/groups/shepard.py:101`), without telling.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from padocc_dagster.pipeline.files import write_text
from padocc_dagster.pipeline.layout import Workdir
from padocc_dagster.pipeline.names import nearest
from padocc_dagster.pipeline.steps.step import By, StepRefused

NAMES = ("next_aggregator", "formats", "quarantine_after", "complete_on_warnings")
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


def rules_file(workdir: Workdir, group: str) -> Path:
    return workdir.group_dir(group) / "padocc_dagster" / "rules.yaml"


def read_rules(workdir: Workdir, group: str) -> Rules:
    """The group's rules; none when nobody set any. Raises ValueError, with what to do, for a file that cannot be rules."""
    path = rules_file(workdir, group)
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _rules({name: value[name] for name in NAMES if name in value})
    except FileNotFoundError:
        return Rules()
    except (yaml.YAMLError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as rules ({error}): set them anew with `padocc-dagster rules {group} --set …`") from None


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
    """Write them down, with who set them and why."""
    kept = {name: found for name, found in asdict(rules).items() if found not in (None, False, ()) or (name, found) == (NAMES[3], ())}
    value = {name: list(found) if isinstance(found, tuple) else found for name, found in kept.items()}
    told = {**value, "set_by": by.who, "set_because": by.why, "set_at": datetime.now().astimezone().isoformat(timespec="seconds")}
    write_text(rules_file(workdir, group), yaml.safe_dump(told, sort_keys=False))


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


def _rules(value: dict[str, Any]) -> Rules:
    texts = {name: (",".join(found) or NONE) if isinstance(found, list) else str(found).lower() for name, found in value.items()}
    try:
        return changed_rules(Rules(), texts)
    except StepRefused as refused:
        raise ValueError("; ".join(refused.problems)) from None
