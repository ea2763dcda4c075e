"""What follows from the changes in a catalogue: which projects are made, and which are left as they are until a person says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from padocc_dagster.selection.stac.changes import Change, changes_since
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.stac.select import Selection

Records = Mapping[str, Any]
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """What is to be done, each project's code → in words."""

    make: dict[str, str] = field(default_factory=dict)
    """New projects, and those whose records have changed."""
    left: dict[str, str] = field(default_factory=dict)
    """Projects that have changed in the catalogue and stay as they are, and why."""
    out: frozenset[str] = frozenset()
    """Those of them that somebody took out of the group."""
    withdrawn: dict[str, dict[str, str]] = field(default_factory=dict)
    """Items of projects that the catalogue has withdrawn → why."""

    def kept(self, before: Manifest, now: Manifest) -> Manifest:
        """The new selection as it is kept: what was not followed is there as it was, so that it is seen again next time.

        Of a project that was taken out nothing has to follow any more: a change is reported once.
        """
        entries = {code: entry for code, entry in now["projects"].items() if code not in self.left or code in self.out}
        for code, entry in before["projects"].items():
            if code not in entries:
                entries[code] = {**entry, "withdrawn": self.withdrawn.get(code, {})}
        return {**now, "projects": dict(sorted(entries.items()))}

    def news(self, before: Manifest) -> dict[str, str]:
        """The projects with items that were not known to be withdrawn, and which."""
        found = {}
        for code, items in self.withdrawn.items():
            reported = before["projects"].get(code, {}).get("withdrawn") or {}
            if new := {name: why for name, why in items.items() if name not in reported}:
                found[code] = ", ".join(f"{name} ({why})" for name, why in new.items())
        return found


def plan(
    before: Manifest, now: Selection, stored: Mapping[str, Records], take_out: bool = False, faulty: Mapping[str, str] = NOTHING
) -> Plan:
    """What is to be done to the projects of a group.

    `stored` are the records that each project of the group was last made from, empty for files that a person chose. `take_out` says that
    withdrawn items leave the projects that have others. `faulty` says what is wrong with projects' source files.
    """
    digests = {chosen.code: chosen.digest for chosen in now.projects}
    changes = {change.code: change for change in changes_since(before, now)}
    words = {code: str(change) for code, change in changes.items() if code in digests}
    for code, records in stored.items():  # another run was at work on them when their records were selected
        if code in digests and code not in changes and records and records["digest"] != digests[code]:
            words[code] = "not made yet from what was selected"
    reasons = {code: _why_left(changes.get(code), stored.get(code), take_out) or faulty.get(code) for code in words}
    return Plan(
        make={code: what for code, what in words.items() if not reasons[code]},
        left={code: f"{what}; {reasons[code]}" for code, what in words.items() if reasons[code]},
        out=frozenset(code for code in words if code not in stored and not changes[code].is_new),
        withdrawn={code: change.withdrawn for code, change in changes.items() if change.withdrawn and code in stored},
    )


def _why_left(change: Change | None, stored: Records | None, take_out: bool) -> str | None:
    """Why a project that has changed is left as it is; for one that was not made yet, nothing."""
    if change is None:
        return None
    if stored is None:
        return None if change.is_new else "it was taken out of the group by hand, and is not made again"
    if not stored:
        return "left as it is: its files were chosen by hand"
    if change.unknown:
        return "left as it is until all its items are seen"
    if change.withdrawn and not take_out:
        return "left as it is: `select-again --take-out` makes it without what was withdrawn"
    return None
