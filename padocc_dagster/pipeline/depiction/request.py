"""Depictions requested from outside: a worker reads the data, and what it cannot do is a row too."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.running.call import WorkerError, call
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

COLUMNS = ("part", "name", "sources", "product")
"""Of the rows of a product beside its sources."""
CHANGES = ("part", "name", "before", "now")
"""Of the rows of two versions."""


@dataclass(frozen=True)
class Depiction:
    """Differences, a row each, and pictures of the values that differ."""

    rows: tuple[dict[str, str], ...]
    pictures: tuple[dict[str, str], ...] = ()
    """Each with `name`, `caption`, and `png` in base64."""


def depiction(workdir: Workdir, project: Project, names: Iterable[str] = ()) -> Depiction:
    """Show how the product differs from its sources, and those variables in any case. Takes seconds: a worker reads the data."""
    return _called("depict", COLUMNS, root=str(workdir.root), project=str(project), names=list(names))


def changes(workdir: Workdir, project: Project, revision: str | None = None) -> Depiction:
    """Show what changed from another revision to the present product; see `versions.changes`."""
    return _called("changes", CHANGES, root=str(workdir.root), project=str(project), revision=revision)


def _called(operation: str, columns: tuple[str, ...], **arguments: Any) -> Depiction:
    try:
        found = call(operation, **arguments)
    except WorkerError as died:
        row = (operation, "", "", f"cannot be shown: {died.error_class}: {died}")
        return Depiction((dict(zip(columns, row, strict=True)),))
    return Depiction(tuple(found["rows"]), tuple(found.get("pictures", ())))
