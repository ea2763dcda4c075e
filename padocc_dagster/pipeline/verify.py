"""The comparison of a project's product with its sources, recorded with the exact bytes that were compared."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison import Comparison, Request, compare, source_fingerprint
from padocc_dagster.pipeline.events import Compared, PhaseEnded, record
from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import held
from padocc_dagster.pipeline.making.attributes import asked_attributes
from padocc_dagster.pipeline.outcome import Outcome, Verdict
from padocc_dagster.pipeline.product import Product, fingerprint, options_of, product_of
from padocc_dagster.pipeline.sources import read_sources
from padocc_dagster.pipeline.specs import dropped_of
from padocc_dagster.pipeline.status import PRODUCT_DIFFERS, append_row, read_rows


def verify(root: str, project: str) -> dict[str, Any]:
    """Compare the product with its sources, write `comparison.json` and the event `Compared`, and return the comparison.

    A product that differs closes the gate for everybody: PADOCC's own status log says that compute failed. A later comparison that
    passes (a source was restored, say) opens it again.
    """
    workdir, key = Workdir(Path(root)), Project.parse(project)
    with held(workdir.project_lock(key), f"project {key}"):
        base = read_json(workdir.base_cfg(key))
        asked = asked_of(base)
        comparison = compare(request_of(product_of(workdir, key, base), read_sources(workdir, key), asked, str(key)))
        write_json(workdir.comparison(key), {**comparison.as_dict(), "asked": asked})
        _tell_padocc(workdir, key, comparison)
    return comparison.as_dict()


def request_of(product: Product, sources: Iterable[str], wanted: dict[str, Any], seed: str) -> Request:
    """The comparison that a config wants: what `asked_of` gave, maybe in an earlier release, with defaults for what that did not know."""
    wanted = {**asked_of({}), **wanted}
    return Request(
        product=product,
        sources=tuple(sources),
        variables=tuple(wanted["variables"]),
        dropped=tuple(wanted["dropped"]),
        along=tuple(wanted["along"]),
        updates=wanted["updates"],
        removals=tuple(wanted["removals"]),
        identical=tuple(wanted["identical"]),
        identical_within=wanted["identical_within"],
        compare=wanted["compare"],
        seed=zlib.crc32(seed.encode()),
        cpus=len(os.sched_getaffinity(0)),
    )


def asked_of(base: dict[str, Any]) -> dict[str, Any]:
    """What the project's config asks of a comparison, as JSON holds it."""
    updates, removals = asked_attributes(base)
    kept = base.get("keep_vars")
    return {
        "updates": updates,
        "removals": list(removals),
        "variables": kept if isinstance(kept, list) and any(kept) else [],
        "dropped": dropped_of(base),
        "along": list(options_of(base).get("concat_dims") or ()),
        "identical": list(options_of(base).get("identical_dims") or ()),
        "identical_within": options_of(base).get("identical_within"),
        "compare": options_of(base).get("compare", "auto"),
    }


def _tell_padocc(workdir: Workdir, project: Project, comparison: Comparison) -> None:
    """Append what follows to the status log, and the events of both."""
    log = workdir.status_log(project)
    computed = [(number, row.status) for number, row in enumerate(read_rows(log), 1) if row.phase == "compute"]
    differed = bool(computed) and computed[-1][1] == PRODUCT_DIFFERS
    if computed and comparison.passed == differed:
        append_row(log, "compute", "Success" if comparison.passed else PRODUCT_DIFFERS)
    rows = len(read_rows(log))
    if computed and not comparison.passed:
        others = f" (and {len(comparison.problems) - 1} more problems)" if len(comparison.problems) > 1 else ""
        variable, reason = (next(iter(found), "") for found in (comparison.variables_at_fault, comparison.reasons))
        outcome = Outcome(
            "compute",
            Verdict.FAILED,
            PRODUCT_DIFFERS,
            "ProductDiffersFromSource",
            comparison.problems[0] + others,
            details={"variable": variable, "reason": reason},
        )
        record(workdir, project, PhaseEnded.of(project, outcome, "", computed[-1][0] if differed else rows))
    record(workdir, project, Compared(row=rows, passed=comparison.passed, product=comparison.product_fingerprint))


def comparison_problem(workdir: Workdir, project: Project) -> str | None:
    """Why the project's product may not be used further, or None: compared for what its config asks, equal, and unchanged since.

    "Unchanged" means the product's bytes, and the sources' list, sizes and times of change.
    """
    remedy = "run the check product_matches_source again"
    try:
        record = read_json(workdir.comparison(project))
        comparison = Comparison.from_dict(record)
    except (CorruptFileError, KeyError, TypeError, ValueError):
        return f"the product of {project} has not been compared with its sources: {remedy}"
    if not comparison.passed:
        return f"the product of {project} differs from its sources ({comparison.problems[0]}): compute it again"
    base = read_json(workdir.base_cfg(project))
    product = product_of(workdir, project, base)
    if record.get("asked") != asked_of(base):
        return f"the product of {project} was compared for another config: {remedy}, or compute again"
    if not product.exists() or str(product.path) != comparison.product_path:
        return f"{product.path} is not the product that was compared: {remedy}"
    if source_fingerprint(read_sources(workdir, project)) != comparison.source_fingerprint:
        return f"source files of {project} changed since the comparison: {remedy}, or scan the project again"
    if fingerprint(product.path) != comparison.product_fingerprint:
        return f"{product.path} changed since it was compared with its sources: {remedy}"
    return None
