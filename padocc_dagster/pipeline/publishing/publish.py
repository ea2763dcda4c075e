"""Publishing: the product and its report, in one rename, directly after a last look at the product and at its sources.

    completed/<group>/<code>_<revision>/    <code>_<revision>.json|.parquet|.zarr|.nca and <code>_<revision>_report.json,
                                            and <code>_<revision>_item.json where the config has publish_items

PADOCC's own `complete` publishes what was never validated, reports Success when its `cp` failed, and cannot publish Zarr or CFA
(`padocc/core/project.py:453`, `filehandlers.py:931,1510`), so nothing of it is used here. Names follow PADOCC's.
"""

import json
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.making.validate import read_findings
from padocc_dagster.pipeline.publishing.links import linked
from padocc_dagster.pipeline.publishing.opening import lines_to_open
from padocc_dagster.pipeline.publishing.stac_item import item_to_publish, updated_item
from padocc_dagster.pipeline.publishing.tick import tick_of, void_tick_problem
from padocc_dagster.pipeline.publishing.verify import comparison_problem
from padocc_dagster.pipeline.workdir.changes import changes
from padocc_dagster.pipeline.workdir.event_log import Histories
from padocc_dagster.pipeline.workdir.files import read_json, write_json, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product, fingerprint, fingerprint_of_bytes, product_of, same_but_for_date, size_of
from padocc_dagster.pipeline.workdir.published import SOURCES, groups_of
from padocc_dagster.pipeline.workdir.source_states import SourceState, digest, state_of, table_of
from padocc_dagster.pipeline.workdir.sources import read_sources, source_checksums
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import GateClosedError, read_rows
from padocc_dagster.pipeline.workdir.withdrawn import withdrawal_of


class AlreadyPublishedError(Exception):
    """This revision was published before: with another product, or with one that was withdrawn."""


def publish(workdir: Workdir, project: Project, links: dict[str, str] | None = None) -> dict[str, Any]:
    """Publish the project's product with its report. Publishing the same product again changes nothing.

    `links` maps the beginning of source paths to remote addresses, as in `{"/badc": "https://dap.ceda.ac.uk/badc"}`; the references
    of the published kerchunk product then point there, and its revision becomes `kr…` as in PADOCC. Raises ValueError with all that
    is wrong with them (see `links.linked`) before anything is written.
    """
    problem = comparison_problem(workdir, project) or void_tick_problem(workdir, project)
    if problem:
        raise GateClosedError(problem)
    product = product_of(workdir, project)
    name = f"{project.code}_{_revision(product, links)}"
    compared = read_json(workdir.comparison(project))["product_fingerprint"]
    text = _linked_text(product, links, compared) if links else None
    given = item_to_publish(workdir, project)
    item = updated_item(given, product, name) if given else None
    target = workdir.completed / project.group / name
    _refuse_withdrawn(workdir, project, name)
    states = _states(workdir, project)
    beside = target.with_name(f".{name}.{secrets.token_hex(4)}")
    _remove_leftovers(target)
    beside.mkdir(parents=True)
    try:
        copy = beside / f"{name}{product.suffix}"
        _copy(product, copy) if text is None else write_text(copy, text)
        lines = lines_to_open(target / copy.name, product.cloud_format, bool(links))
        report = {**_report(workdir, project, product, links), "open": lines, SOURCES: table_of(states)}
        write_json(beside / f"{name}_report.json", report)
        if item is not None:
            write_json(beside / f"{name}_item.json", item)
        _sync(beside)
        _refuse_changed(copy, compared if text is None else fingerprint_of_bytes(text.encode()))
        _refuse_changed_sources(workdir, project, states)
        published = _put(beside, target, copy.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return {
        "published": str(target / copy.name),
        "report": str(target / f"{name}_report.json"),
        "item": str(target / f"{name}_item.json") if item else "",
        "published_bytes": size_of(target / copy.name),
        "revision": _revision(product, links),
        "message": "" if published else "the same product was published before",
    }


def _states(workdir: Workdir, project: Project) -> list[SourceState]:
    """The sources as they are now, with the checksums that a catalogue gave."""
    checksums = source_checksums(workdir, project)
    return [state_of(path, checksums.get(path, "")) for path in read_sources(workdir, project)]


def _revision(product: Product, links: dict[str, str] | None) -> str:
    if not links:
        return product.revision
    if product.cloud_format != "kerchunk":
        raise ValueError(f"links can be rewritten in kerchunk JSON only, not in {product.cloud_format}: publish without `links`")
    return f"kr{product.version}"


def _linked_text(product: Product, links: dict[str, str], compared: str) -> str:
    """The product with its links rewritten, from one reading of the bytes that were compared with the sources."""
    content = product.path.read_bytes()
    if fingerprint_of_bytes(content) != compared:
        raise OSError(f"{product.path} is not what was compared with the sources: run the check product_matches_source again")
    return json.dumps(linked(json.loads(content), links))


def _copy(product: Product, copy: Path) -> None:
    """Copy the product, on to the disk."""
    if product.path.is_dir():
        shutil.copytree(product.path, copy)
    else:
        shutil.copyfile(product.path, copy)
    for path in (copy, *copy.rglob("*")):
        _sync(path)


def _refuse_withdrawn(workdir: Workdir, project: Project, name: str) -> None:
    shelves = [workdir.completed / group for group in groups_of(project, Histories(workdir))]
    withdrawn = [withdrawal for shelf in shelves if (withdrawal := withdrawal_of(shelf, name))]
    if withdrawn:
        raise AlreadyPublishedError(
            f"{withdrawn[0].name} was withdrawn by {withdrawn[0].who} ({withdrawn[0].why}), and readers may still have it: "
            "compute with new_version to publish a corrected one"
        )


def _refuse_changed(copy: Path, expected: str) -> None:
    """The last look at the product: make sure that the copy holds what was compared with the sources, its links apart."""
    if fingerprint(copy) != expected:
        raise OSError(f"{copy} is not what was compared with the sources: bytes were lost or changed on the way; publish again")


def _refuse_changed_sources(workdir: Workdir, project: Project, states: list[SourceState]) -> None:
    """The last look at the sources: they are as they were compared, and as in the report."""
    remedy = "nothing was published. Run the check product_matches_source again, or scan the project again"
    if changed := changes(states):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise GateClosedError(f"{changed[0]}{more}, while {project} was being published: {remedy}")
    if digest(states) != read_json(workdir.comparison(project))["source_fingerprint"]:
        raise GateClosedError(f"source files of {project} changed after the comparison, before they were published: {remedy}")


def _sync(path: Path) -> None:
    """Have the file or folder written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(beside: Path, target: Path, product_name: str) -> bool:
    """Rename into place. False when the same product is there already; a rename never replaces a folder that holds something."""
    try:
        os.rename(beside, target)
    except OSError:
        if not target.is_dir():
            raise
        if same_but_for_date(target / product_name, beside / product_name):
            return False
        raise AlreadyPublishedError(
            f"{target} holds another product of this revision: compute with new_version to publish beside it"
        ) from None
    _sync(target.parent)
    return True


def _remove_leftovers(target: Path) -> None:
    """Remove what an interrupted publication of this project left beside; the project's lock is held."""
    own = re.compile(re.escape(f".{target.name}.") + "[0-9a-f]{8}")
    for leftover in target.parent.glob(".*"):
        if own.fullmatch(leftover.name):
            shutil.rmtree(leftover, ignore_errors=True)


def _report(workdir: Workdir, project: Project, product: Product, links: dict[str, str] | None) -> dict[str, Any]:
    base = read_json(workdir.base_cfg(project))
    return {
        "project": str(project),
        "product": product.cloud_format,
        "revision": _revision(product, links),
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        "sources": base["pattern"],
        "links": links or {},
        "comparison": read_json(workdir.comparison(project)),
        "validation": read_findings(workdir, project),
        "tick": tick.as_dict() if (tick := tick_of(workdir, project)) else None,
        "history": [[row.phase, row.status, row.time and row.time.isoformat()] for row in read_rows(workdir.status_log(project))],
        "config": base,
        "spec": spec_of(workdir, project, base).as_dict(),
    }
