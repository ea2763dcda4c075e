"""What differs between a product and its sources, or from an earlier version, as metadata: a table, and pictures."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from padocc_dagster.pipeline.depiction import Depiction, changes, current_revision, depiction, other_revisions
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

MOST_ROWS = 100


def differences(workdir: Workdir, project: Project, names: Iterable[str] = ()) -> dict[str, Any]:
    """The product beside its sources: a table of what differs, and pictures of at most three variables, those in `names` in any case.

    Takes seconds, so it is called only where somebody has to decide.
    """
    found = depiction(workdir, project, names)
    shown: dict[str, Any] = {"differences": differences_table(found)}
    if found.pictures:
        shown["pictures of differences"] = dg.MetadataValue.md("\n\n".join(map(_image, found.pictures)))
    return shown


def changes_since(workdir: Workdir, project: Project) -> dict[str, Any]:
    """What changed since the version before; nothing, without reading any, when there is none."""
    present = current_revision(workdir, project)
    if present is None or not any(each.number <= present.number for each in other_revisions(workdir, project)):
        return {}
    return {"changed since the version before": differences_table(changes(workdir, project))}


def differences_table(found: Depiction) -> dg.TableMetadataValue | str:
    """The rows as a table; `none` when there are none."""
    if not found.rows:
        return "none"
    records = [dg.TableRecord(row) for row in found.rows[:MOST_ROWS]]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name) for name in found.rows[0]]))


def _image(picture: dict[str, str]) -> str:
    caption = picture["caption"].replace("[", "(").replace("]", ")").replace("\n", " ")
    return f"![{caption}](data:image/png;base64,{picture['png']})" if picture["png"] else caption
