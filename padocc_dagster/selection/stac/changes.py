"""What has changed in a catalogue since a group was selected from it. Pure values: nothing is read or written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from padocc_dagster.pipeline.workdir.names import some
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.stac.record import AGGREGATED
from padocc_dagster.selection.stac.select import Selection

GONE = "no longer in the catalogue's answer"


@dataclass(frozen=True)
class Change:
    """What has become of one project's items."""

    code: str
    is_new: bool
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Item → why: retracted, or no longer there."""
    unknown: dict[str, str] = field(default_factory=dict)
    """Items that were not seen, though nothing says that they are withdrawn → why."""

    def __str__(self) -> str:
        """In words: `new, 2 items: a, b`; `changed: c; withdrawn: d (retracted)`."""
        parts = {
            "new": self.added,
            "changed": self.changed,
            "withdrawn": [f"{name} ({why})" for name, why in self.withdrawn.items()],
            "not seen": [f"{name} ({why})" for name, why in self.unknown.items()],
        }
        return "; ".join(f"{word}: {some(names)}" for word, names in parts.items() if names) or "as it was"

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.changed or self.withdrawn)


def changes_since(before: Manifest, now: Selection) -> list[Change]:
    """For each project of either selection that is not as it was, what has changed; in order of codes.

    A project none of whose items was seen, though none is withdrawn, is as it was. One that was seen in part is not.
    """
    selected = {chosen.code: {record.key: record.version for record in chosen.records} for chosen in now.projects}
    known = {
        code: {(item["collection"], item["id"]): item["version"] for item in entry["items"]} for code, entry in before["projects"].items()
    }
    places = {key: code for code, keys in selected.items() for key in keys}
    found = []
    for code in sorted({*selected, *known}):
        old, new = known.get(code, {}), selected.get(code, {})
        missing = {key: _why_missing(key, now, places) for key in old.keys() - new.keys()}
        change = Change(
            code=code,
            is_new=code not in known,
            added=tuple(sorted(name for _, name in new.keys() - old.keys())),
            changed=tuple(sorted(name for _, name in (key for key in old.keys() & new.keys() if old[key] != new[key]))),
            withdrawn={name: why for (_, name), (why, gone) in sorted(missing.items()) if gone},
            unknown={name: why for (_, name), (why, gone) in sorted(missing.items()) if not gone},
        )
        if not change.is_nothing or (change.unknown and new):
            found.append(change)
    return found


def _why_missing(key: tuple[str, str], now: Selection, places: Mapping[tuple[str, str], str]) -> tuple[str, bool]:
    """Why an item is not in a project any more, and whether that means that it is withdrawn. `places`: the projects that items are in."""
    if key in places:
        return f"in project {places[key]} now", True
    why = now.left_out.get(key)
    if why:
        return why, why != AGGREGATED
    return (GONE, True) if now.whole else ("the selection was cut off", False)
