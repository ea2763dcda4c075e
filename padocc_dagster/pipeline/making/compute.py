"""The computation of a product: clean, in confirmed order, with the attributes that the config sets."""

from collections.abc import Sequence
from typing import Any

from padocc_dagster.pipeline.comparison.children import Children, children, useful
from padocc_dagster.pipeline.comparison.seen import ENGINES
from padocc_dagster.pipeline.joining.formats import (
    left_out,
    missing_values_refusal,
    overlap_refusal,
    shared_refusal,
    texts_refusal,
)
from padocc_dagster.pipeline.joining.refusals import SourcesRefused, refusal_among, with_details
from padocc_dagster.pipeline.making.aggregators import guarded
from padocc_dagster.pipeline.making.configured import as_configured, choose_format, find_order, odd_now
from padocc_dagster.pipeline.making.dimensions import apply_dimensions
from padocc_dagster.pipeline.making.exact_times import exact_times
from padocc_dagster.pipeline.making.opening import regular_chunks
from padocc_dagster.pipeline.making.operation import clear_cache, construct, remove
from padocc_dagster.pipeline.making.references import mend_references
from padocc_dagster.pipeline.making.several import references_ahead
from padocc_dagster.pipeline.making.stores import mend_aggregation, mend_store
from padocc_dagster.pipeline.making.together import stores_together
from padocc_dagster.pipeline.workdir.files import read_json, read_lines, write_json, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product, product_of, size_of
from padocc_dagster.pipeline.workdir.sources import read_sources
from padocc_dagster.pipeline.workdir.spec import AGGREGATORS, ProjectOptions
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import append_row

NO_OTHER_AGGREGATOR_HELPS = ("ConcatFatalError", "NoDriverError", "SourceNotFoundError")
Made = tuple[str, list[dict[str, Any]]]
"""The aggregator that made a product ('' where nothing was aggregated), and all attempts, as an outcome's details hold them."""


def compute(
    workdir: Workdir,
    project: Project,
    cloud_format: str | None = None,
    aggregator: str | None = None,
    new_version: bool = False,
    thorough: bool = False,
    cpus: int = 1,
) -> dict[str, Any]:
    """Make the product anew, with so many processes at once where that pays, and return what is known of it.

    None keeps what the project's config says. `new_version` leaves the old product where it is and makes the next revision beside
    it (but for CFA, whose file PADOCC names without a version). `thorough` also finds the files' order and the dimensions anew
    instead of taking the scan's.
    """
    files = read_sources(workdir, project)
    options = choose_format(workdir, project, cloud_format or product_of(workdir, project).cloud_format, aggregator)
    if thorough:
        files = list(find_order(workdir, project, files, cpus).files)
    product = _prepare(workdir, project, options, new_version, thorough)
    _refuse(workdir, project, product, files)
    apply_dimensions(workdir, project, files)
    clear_cache(workdir, project)
    for stale in (product.path, workdir.comparison(project)):
        remove(stale)
    makers = {"kerchunk": _kerchunk, "parquet": _parquet, "zarr": _zarr, "CFA": _cfa}
    with as_configured(workdir, project, files), children(useful(cpus, len(files))) as processes:
        used, attempts = makers[product.cloud_format](workdir, project, product, processes)
    if not product.exists():
        return {"message": f"PADOCC made no {product.cloud_format} product of {len(files)} source file(s)"}
    detail = read_json(workdir.detail_cfg(project))
    return {
        "product": str(product.path),
        "cloud_format": product.cloud_format,
        "revision": product.revision,
        "aggregator": used,
        "aggregators": attempts,
        "product_bytes": size_of(product.path),
        "num_files": len(files),
        "driver": detail.get("driver"),
        "timings": detail.get("timings") or {},
        "dataset": describe(product),
    }


def _refuse(workdir: Workdir, project: Project, product: Product, files: Sequence[str]) -> None:
    """Raise SourcesRefused for what a product of this format cannot hold."""
    base = read_json(workdir.base_cfg(project))
    spec = spec_of(workdir, project, base)
    dropped = left_out(spec, files[0])
    refusal = refusal_among(odd_now(workdir, project, files), product.cloud_format)
    if product.cloud_format == "CFA" or spec.options.cfa:
        refusal = refusal or texts_refusal(files[0], dropped)
    if product.cloud_format == "zarr" and not refusal:
        refusal = missing_values_refusal(files[0], spec.options.xarray, dropped)
    if refusal:
        raise refusal


def _prepare(workdir: Workdir, project: Project, options: ProjectOptions, new_version: bool, thorough: bool) -> Product:
    """Write the choices where PADOCC reads them, and return the product to be made."""
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    wants_cfa = options.cloud_format == "CFA" or options.cfa
    base["disable_CFA"], base["cfa_complete"], detail["CFA"] = not wants_cfa, False, wants_cfa
    if new_version and product_of(workdir, project, base).exists():
        major, minor = base["version_no"].split(".")
        base["version_no"] = f"{major}.{int(minor) + 1}"
    if thorough and detail.get("kwargs"):
        detail["kwargs"].pop("combine_kwargs", None)
    write_json(workdir.detail_cfg(project), detail)
    write_json(workdir.base_cfg(project), base)
    for aggregation in workdir.project_dir(project).glob("*.nca"):
        remove(aggregation)
    return product_of(workdir, project, base)


def _kerchunk(workdir: Workdir, project: Project, product: Product, processes: Children | None) -> Made:
    """Kerchunk references with VirtualiZarr, then with MultiZarrToZarr.

    PADOCC's own aggregator, its first choice for large projects, writes wrong shapes (`padocc/phases/aggregate.py:279`). Raises
    SourcesRefused where MultiZarrToZarr would make garbage. Whatever is raised carries the attempts in its details.
    """
    files, spec = read_sources(workdir, project), spec_of(workdir, project)
    only = spec.options.aggregator
    with guarded(files, left_out(spec, files[0])) as attempts, references_ahead(processes, files):
        for name in [only] if only else AGGREGATORS:
            failure = _aggregated(workdir, project, product, name)
            if failure is None:
                break
            if name not in [attempt["aggregator"] for attempt in attempts]:  # it failed before it could aggregate
                attempts.add(name, failure)
            if isinstance(failure, SourcesRefused) or type(failure).__name__ in NO_OTHER_AGGREGATOR_HELPS:
                break
    if failure is not None:
        if len(attempts) > 1 or isinstance(failure, SourcesRefused):
            failure.add_note(f"(aggregators tried: {attempts})")
        raise with_details(failure, aggregators=list(attempts))
    mend_references(product.path, files, exact_times(files, processes), spec)
    return name if len(files) > 1 else "", list(attempts)


def _aggregated(workdir: Workdir, project: Project, product: Product, aggregator: str) -> Exception | None:
    """Make references with one aggregator. Returns why that failed, and then leaves nothing behind that the next would build on."""
    from padocc.phases.compute import KerchunkDS

    configs = {path: read_json(path) for path in (workdir.base_cfg(project), workdir.detail_cfg(project))}
    try:
        construct(KerchunkDS, workdir, project, "compute").run(mode="kerchunk", aggregator=aggregator)
    except Exception as error:
        remove(product.path)  # K leaves a wrong product behind when it fails (aggregate.py:167)
        clear_cache(workdir, project)
        for path, value in configs.items():  # a failed attempt leaves dimensions of its own making behind
            write_json(path, value)
        return error
    return None


def _parquet(workdir: Workdir, project: Project, product: Product, processes: Children | None) -> Made:
    """Kerchunk references in JSON, converted: PADOCC cannot write the parquet store itself (`padocc/phases/compute.py:1353`)."""
    from padocc_dagster.pipeline.making.parquet import write_parquet

    as_json = Product(product.path.with_suffix(".json"), "kerchunk", product.version)
    remove(as_json.path)
    made = _kerchunk(workdir, project, as_json, processes)
    write_parquet(as_json.path, product.path)
    return made


def _zarr(workdir: Workdir, project: Project, product: Product, processes: Children | None) -> Made:
    """A Zarr store. Where no scan has found the dimensions, PADOCC finds them, and does not pass them on to its own validation.

    Raises DifferingSharedVariableError where xarray cannot merge the files.
    """
    import xarray
    from padocc.phases.compute import ZarrDS

    files, spec = read_sources(workdir, project), spec_of(workdir, project)
    with stores_together(None if spec.options.identical_dims else processes), regular_chunks():
        operation = construct(ZarrDS, workdir, project, "compute")
        try:
            operation.run(mode="zarr")
        except xarray.MergeError as error:
            raise shared_refusal(files, operation.combine_kwargs.get("concat_dims") or (), left_out(spec, files[0])) or error from error
    found = operation.combine_kwargs.get("concat_dims")
    if found and not (operation.detail_cfg["kwargs"].get("combine_kwargs") or {}).get("concat_dims"):
        operation.set_concat_dims(list(found))
    mend_store(product.path, files[0], exact_times(files, processes), spec)
    return "xarray", []


def _cfa(workdir: Workdir, project: Project, product: Product, processes: Children | None) -> Made:
    """CFA-netCDF. PADOCC writes neither a status row nor the dimensions that its validation needs (`padocc/phases/compute.py:356`).

    Raises SourcesOverlapError where cfapyx has left files out, and PADOCC the same from its list (`padocc/phases/compute.py:574`).
    """
    from padocc.phases.compute import ComputeOperation

    files = read_sources(workdir, project)
    operation = construct(ComputeOperation, workdir, project, "compute")
    status, _ = operation.run(mode="CFA")
    if status == "Success":
        taken = read_lines(workdir.allfiles(project))
        if set(taken) != set(files):
            write_lines(workdir.allfiles(project), files)
            remove(product.path)
            raise overlap_refusal(files, taken)
        operation.set_concat_dims(list(read_json(workdir.base_cfg(project))["data_properties"]["aggregated_dims"]))
        mend_aggregation(product.path, spec_of(workdir, project))
    append_row(workdir.status_log(project), "compute", status)
    return "cfapyx", []


def describe(product: Product) -> dict[str, Any]:
    """The product as xarray sees it: sizes, variables with their dimensions and types, and its printed form."""
    import xarray

    with xarray.open_dataset(str(product.path), engine=ENGINES[product.cloud_format], decode_times=False) as dataset:
        return {
            "sizes": {str(name): int(size) for name, size in dataset.sizes.items()},
            "variables": {
                str(name): {"dimensions": list(map(str, variable.dims)), "dtype": str(variable.dtype)}
                for name, variable in dataset.variables.items()
            },
            "text": str(dataset),
        }
