"""Projects initialised whose news is not out yet: kept on disk, so that a caller who dies can still be followed by one who tells it."""

from collections.abc import Iterable

from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Workdir
from padocc_dagster.pipeline.locks import held


def to_announce(workdir: Workdir, group: str) -> list[str]:
    """Codes of projects of the group that were initialised and not announced."""
    try:
        codes: list[str] = read_json(workdir.announcements(group))["codes"]
    except CorruptFileError:
        return []
    return codes


def announced(workdir: Workdir, group: str, codes: Iterable[str]) -> None:
    """Take codes off, their news being out."""
    with held(workdir.group_lock(group), f"group {group}"):
        change_announcements(workdir, group, without=codes)


def change_announcements(workdir: Workdir, group: str, adding: Iterable[str] = (), without: Iterable[str] = ()) -> None:
    """Add and take off codes; the group's lock is held."""
    codes = {*to_announce(workdir, group), *adding} - set(without)
    write_json(workdir.announcements(group), {"codes": sorted(codes)})
