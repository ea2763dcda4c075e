"""How large the files of a selection are."""

import os
from collections.abc import Iterable, Mapping

from padocc_dagster.selection.stac.paths import local_path
from padocc_dagster.selection.stac.record import Source


def size_of(sources: Iterable[Source], rules: Mapping[str, str]) -> tuple[int, int]:
    """Of how many files the size is known, and their bytes together: as the catalogue says, else as they are on this machine."""
    known = total = 0
    for source in sources:
        size = source.size if source.size is not None else _on_disk(local_path(source.href, rules))
        if size is not None:
            known, total = known + 1, total + size
    return known, total


def _on_disk(path: str | None) -> int | None:
    try:
        return os.stat(path).st_size if path else None
    except OSError:
        return None
