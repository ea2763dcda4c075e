"""The comparison of a project's product with its sources, recorded with the exact bytes that were compared."""

import zlib
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.attributes import asked_attributes
from padocc_dagster.pipeline.comparison import Comparison, Request, compare, source_fingerprint
from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import held
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster.pipeline.product import fingerprint, options_of, product_of
from padocc_dagster.pipeline.sources import read_sources
from padocc_dagster.pipeline.status import PRODUCT_DIFFERS, append_row, read_rows


def verify(root: str, project: str) -> dict[str, Any]:
    """Compare the product with its sources, write `comparison.json`, and return it.

    A product that differs closes the gate for everybody: PADOCC's own status log says that compute failed. A later comparison that
    passes (a source was restored, say) opens it again.
    """
    workdir, key = Workdir(Path(root)), Project.parse(project)
    with held(workdir.project_lock(key), f"project {key}"):
        base = read_json(workdir.base_cfg(key))
        updates, removals = asked_attributes(base)
        kept = base.get("keep_vars")
        comparison = compare(
            Request(
                product=product_of(workdir, key, base),
                sources=tuple(read_sources(workdir, key)),
                variables=tuple(kept) if isinstance(kept, list) and any(kept) else (),
                updates=updates,
                removals=removals,
                compare=options_of(base).get("compare", "auto"),
                seed=zlib.crc32(str(key).encode()),
            )
        )
        write_json(workdir.comparison(key), comparison.as_dict())
        _tell_padocc(workdir, key, comparison)
    return comparison.as_dict()


def _tell_padocc(workdir: Workdir, project: Project, comparison: Comparison) -> None:
    log = workdir.status_log(project)
    computed = [row for row in read_rows(log) if row.phase == "compute"]
    if not computed:
        return
    if not comparison.passed and computed[-1].status != PRODUCT_DIFFERS:
        append_row(log, "compute", PRODUCT_DIFFERS)
    if comparison.passed and computed[-1].status == PRODUCT_DIFFERS:
        append_row(log, "compute", "Success")
    if not comparison.passed:
        record = {"phase": "compute", "verdict": Verdict.FAILED, "status": PRODUCT_DIFFERS}
        others = f" (and {len(comparison.problems) - 1} more problems)" if len(comparison.problems) > 1 else ""
        record |= {"error_class": "ProductDiffersFromSource", "message": comparison.problems[0] + others}
        write_json(workdir.outcome(project), record)


def comparison_problem(workdir: Workdir, project: Project) -> str | None:
    """Why the project's product may not be used further, or None: compared, equal, and neither it nor its sources changed since."""
    remedy = "run the check product_matches_source again"
    try:
        comparison = Comparison.from_dict(read_json(workdir.comparison(project)))
    except CorruptFileError:
        return f"the product of {project} has not been compared with its sources: {remedy}"
    if not comparison.passed:
        return f"the product of {project} differs from its sources ({comparison.problems[0]}): compute it again"
    product = product_of(workdir, project)
    if not product.exists() or str(product.path) != comparison.product_path:
        return f"{product.path} is not the product that was compared: {remedy}"
    if source_fingerprint(read_sources(workdir, project)) != comparison.source_fingerprint:
        return f"source files of {project} changed since the comparison: {remedy}, or scan the project again"
    if fingerprint(product.path) != comparison.product_fingerprint:
        return f"{product.path} changed since it was compared with its sources: {remedy}"
    return None
