"""The comparison of a project's product with its sources, recorded with the exact bytes that were compared."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison import Comparison, Request, compare, source_fingerprint
from padocc_dagster.pipeline.workdir.disks import naming_full_disk
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.product import Product, fingerprint, product_of
from padocc_dagster.pipeline.workdir.sources import read_sources
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import PRODUCT_DIFFERS, PRODUCT_NOT_COMPARED, append_row, read_rows
from padocc_dagster.pipeline.workdir.used import Meter, Used


def verify(root: str, project: str, requested: dict[str, int] | None = None, cpus: int | None = None) -> dict[str, Any]:
    """Compare the product with its sources, write `comparison.json` and the event `Compared`, and return the comparison.

    A product that differs closes the gate for everybody: in PADOCC's own status log, compute has failed. A later comparison that
    passes (a source was restored, say) opens it again. `requested` is what the run's job requested of a cluster, `cpus` how many
    processes may work at once (None: one for each CPU that this process may use).
    """
    meter = Meter()
    workdir, key = Workdir(Path(root)), Project.parse(project)
    with naming_full_disk(workdir, key), held(workdir.project_lock(key), f"project {key}"):
        base = read_json(workdir.base_cfg(key))
        options = comparison_options(spec_of(workdir, key, base))
        comparison = compare(request_of(product_of(workdir, key, base), read_sources(workdir, key), options, str(key), cpus))
        write_json(workdir.comparison(key), {**comparison.as_dict(), "options": options})
        _record(workdir, key, comparison, meter.used(cpus or 1, requested))
    return comparison.as_dict()


def request_of(product: Product, sources: Iterable[str], options: dict[str, Any], seed: str, cpus: int | None = None) -> Request:
    """The comparison with these options, as `comparison_options` returns them, with defaults for what is missing."""
    options = {**comparison_options(ProjectSpec("", "", ())), **options}
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    usable = len(os.sched_getaffinity(0))
    return Request(product=product, sources=tuple(sources), seed=zlib.crc32(seed.encode()), cpus=min(cpus or usable, usable), **given)


def comparison_options(spec: ProjectSpec) -> dict[str, Any]:
    """The options of a comparison by the project's spec, as JSON holds them."""
    return {
        "updates": spec.updates,
        "removals": list(spec.removals),
        "variables": list(spec.variables),
        "dropped": list(spec.dropped),
        "along": list(spec.options.concat_dims),
        "identical": list(spec.options.identical_dims),
        "identical_within": spec.options.identical_within,
        "compare": spec.options.compare,
    }


def _record(workdir: Workdir, project: Project, comparison: Comparison, used: Used) -> None:
    """Append a row to the status log where the comparison changes the verdict on the computation, then the events."""
    log = workdir.status_log(project)
    computed = [(number, row.status) for number, row in enumerate(read_rows(log), 1) if row.phase == "compute"]
    differed = bool(computed) and computed[-1][1] in (PRODUCT_DIFFERS, PRODUCT_NOT_COMPARED)
    if computed and (comparison.passed == differed or (not comparison.passed and computed[-1][1] != PRODUCT_DIFFERS)):
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
    record(workdir, project, Compared(row=rows, passed=comparison.passed, product=comparison.product_fingerprint, used=used))


def comparison_problem(workdir: Workdir, project: Project) -> str | None:
    """Why the project's product may not be used further, or None: compared with the options of its config, equal, and unchanged since.

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
    if record.get("options") != comparison_options(spec_of(workdir, project, base)):
        return f"the product of {project} was compared for another config: {remedy}, or compute again"
    if not product.exists() or str(product.path) != comparison.product_path:
        return f"{product.path} is not the product that was compared: {remedy}"
    if source_fingerprint(read_sources(workdir, project)) != comparison.source_fingerprint:
        return f"source files of {project} changed since the comparison: {remedy}, or scan the project again"
    if fingerprint(product.path) != comparison.product_fingerprint:
        return f"{product.path} changed since it was compared with its sources: {remedy}"
    return None
