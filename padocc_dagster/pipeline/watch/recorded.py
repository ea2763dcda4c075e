"""How the sources of a published product were when that was last known to be right, and since when that is known.

The report of a product lists them as they were at publication. Two things take the place of that list, one file a product:

    <shelf>/.sources/<name>.json    {"since", "origin", "who", "why", "source_files": {columns, rows}, "before": [{since, who, why}, …]}

with origin "accepted": a person accepted a change after a comparison had shown that the values are equal; or "first seen": the product was
published by PADOCC, or by a release of this package that did not list its sources, so that nobody knows how they were before.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import SOURCES, Published, read_report, sources_in_report
from padocc_dagster.pipeline.workdir.source_states import SourceState, states_in_table, states_of, table_of


class SourcesUnknown(Exception):
    """Nothing says, or nothing says for certain, which files a published product was made from."""


class Origin(StrEnum):
    """From where it is known how the sources were."""

    PUBLISHED = "published"
    ACCEPTED = "accepted"
    FIRST_SEEN = "first seen"


@dataclass(frozen=True)
class Recorded:
    """The sources of one product as they should be."""

    states: tuple[SourceState, ...]
    """In the order in which the product joins them."""
    since: str
    """ISO 8601; a change before that cannot be seen."""
    origin: Origin
    who: str = ""
    why: str = ""
    """Of an acceptance."""


def recorded_of(workdir: Workdir, published: Published, owner: Project | None) -> Recorded:
    """How the product's sources should be. For a product whose report does not list them, they are looked at now and kept, once.

    `owner` is the project that it is of now. Raises SourcesUnknown, CorruptFileError, and OSError for sources that are gone before
    they were ever looked at.
    """
    path = _path(published)
    if path.exists():
        return _read(path)
    report = {} if published.by_padocc else read_report(published)
    if states := sources_in_report(report):
        return Recorded(states, str(report.get("published", "")), Origin.PUBLISHED)
    first = Recorded(tuple(states_of(_found_sources(workdir, published, owner))), _now(), Origin.FIRST_SEEN)
    _keep(path, first, [])
    return first


def keep_accepted(published: Published, before: Recorded, states: tuple[SourceState, ...], who: str, why: str) -> Recorded:
    """Keep these states as what the sources should be from now on."""
    path = _path(published)
    earlier = read_json(path).get("before", []) if path.exists() else []
    accepted = Recorded(states, _now(), Origin.ACCEPTED, who, why)
    _keep(path, accepted, [*earlier, {"since": before.since, "origin": before.origin, "who": before.who, "why": before.why}])
    return accepted


def _keep(path: Path, recorded: Recorded, before: list[dict[str, Any]]) -> None:
    value = {"since": recorded.since, "origin": recorded.origin, "who": recorded.who, "why": recorded.why, "before": before}
    write_json(path, {**value, SOURCES: table_of(recorded.states)})


def _read(path: Path) -> Recorded:
    value = read_json(path)
    try:
        return Recorded(states_in_table(value[SOURCES]), value["since"], Origin(value["origin"]), value["who"], value["why"])
    except (KeyError, TypeError, ValueError):
        raise CorruptFileError(f"{path} does not list source files: remove it, and accept the sources again") from None


def _path(published: Published) -> Path:
    return published.shelf / ".sources" / f"{published.name}.json"


def _found_sources(workdir: Workdir, published: Published, owner: Project | None) -> list[str]:
    """The source files of a product whose report does not list them, in the order in which it joins them where that is known.

    A kerchunk file names them itself, and the project's own list gives their order. For other formats the project's list is all there is.
    """
    listed = read_lines(workdir.allfiles(owner)) if owner else []
    if published.product.path.suffix == ".json":
        local = local_paths(referenced_files(published.product.path), listed)
        if set(local) == set(listed):
            return listed
        if local and None not in local:
            return [str(path) for path in local]
    elif listed:
        return listed
    raise SourcesUnknown(
        f"the source files of {published.product.path} are not known: its project has no list of files that fits it; "
        "publish a new version, whose report lists them"
    )


def referenced_files(path: Path) -> list[str]:
    """The files that a kerchunk JSON file refers to, each once, in the order of their first reference. Raises CorruptFileError."""
    try:
        references = json.loads(path.read_bytes())["refs"]
        return list(dict.fromkeys(str(entry[0]) for entry in references.values() if isinstance(entry, list) and entry))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{path} holds no kerchunk references ({type(error).__name__}): restore it, or withdraw it") from None


def local_paths(addresses: list[str], listed: list[str]) -> list[str | None]:
    """Where the referenced files lie on this machine, None for one that is not known.

    Of a remote address it is the listed file whose path it ends with (PADOCC's links, `padocc/core/filehandlers.py:607`).
    """
    known = set(listed)
    return [_local_path(address.removeprefix("file://"), known) for address in addresses]


def _local_path(address: str, known: set[str]) -> str | None:
    if address.startswith("/"):
        return address
    below = "/" + address.partition("://")[2].partition("/")[2].lstrip("/")
    return below if below in known else next((path for path in known if address.endswith(path)), None)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
