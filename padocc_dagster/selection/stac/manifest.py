"""A selection as it is kept with its group: frozen, and enough to select again.

{"selected": "2026-11-25T12:00:00+00:00", "catalogue": …, "config": {…}, "file": "/…/inbox/cmip6.yaml", "matched": 250, "whole": true,
 "projects": {code: {"items": [{"collection", "id", "updated", "version", "checksums"}, …], "withdrawn": {id: "why, since when"}}},
 "left_out": [[collection, id, why], …], "summary": {name: value for a person to read}}
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padocc_dagster.selection.stac.record import Record
from padocc_dagster.selection.stac.select import Selection

Manifest = dict[str, Any]
SHOWN = 3


def manifest_of(selection: Selection, config: dict[str, Any], file: Path) -> Manifest:
    """The selection as JSON holds it. `config` is the whole group config as plain values, `file` where it was read."""
    manifest = {
        "selected": datetime.now(UTC).isoformat(timespec="seconds"),
        "catalogue": selection.section.catalogue,
        "config": json.loads(json.dumps(config, default=lambda day: day.isoformat())),  # YAML reads what looks like a date as one
        "file": str(file),
        "matched": selection.matched,
        "whole": selection.whole,
        "projects": {chosen.code: {"items": [_item(record) for record in chosen.records]} for chosen in selection.projects},
        "left_out": [[*key, why] for key, why in selection.left_out.items()],
    }
    return {**manifest, "summary": _summary(manifest)}


def _item(record: Record) -> dict[str, Any]:
    checksums = {"checksums": record.checksums} if record.checksums else {}
    return {"collection": record.collection, "id": record.id, "updated": record.updated, "version": record.version, **checksums}


def _summary(manifest: Manifest) -> dict[str, str | int]:
    entries = manifest["projects"]
    items = [item for entry in entries.values() for item in entry["items"]]
    summary = {
        "catalogue": manifest["catalogue"],
        "selected": manifest["selected"],
        "selected projects": len(entries),
        "selected items": len(items),
        "first items": ", ".join(item["id"] for item in items[:SHOWN]),
    }
    reasons = [why for _, _, why in manifest["left_out"]]
    summary |= {f"left out, {why}": reasons.count(why) for why in sorted(set(reasons))}
    if not manifest["whole"]:
        count = f"of {manifest['matched']} items that match" if manifest["matched"] else "more items match"
        summary["not all"] = f"{count}: max_items cut the selection off, or the catalogue gave fewer than it says"
    return summary
