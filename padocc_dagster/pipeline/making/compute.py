"""The computation of a product: clean, in confirmed order, with the attributes that the config asks for."""

from typing import Any

from padocc_dagster.pipeline.files import read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.making.asked import as_asked, asked_order
from padocc_dagster.pipeline.making.attributes import apply_attributes
from padocc_dagster.pipeline.making.dimensions import apply_dimensions
from padocc_dagster.pipeline.making.faithful import restore_declarations
from padocc_dagster.pipeline.making.operation import clear_cache, construct, remove
from padocc_dagster.pipeline.making.regular_chunks import regular_chunks
from padocc_dagster.pipeline.product import Product, options_of, product_of, size_of
from padocc_dagster.pipeline.sources import read_sources
from padocc_dagster.pipeline.spec import AGGREGATORS
from padocc_dagster.pipeline.status import append_row

NO_OTHER_AGGREGATOR_HELPS = ("ConcatFatalError", "NoDriverError", "SourceNotFoundError")
FILE_TYPES = {"kerchunk": "json", "zarr": None, "CFA": None}


def compute(
    workdir: Workdir,
    project: Project,
    cloud_format: str | None = None,
    aggregator: str | None = None,
    new_version: bool = False,
    thorough: bool = False,
) -> dict[str, Any]:
    """Make the product anew and return what is known of it.

    None keeps what the project's config says. `new_version` leaves the old product where it is and makes the next revision beside
    it (but for CFA, whose file PADOCC names without a version). `thorough` also finds the files' order and the dimensions anew
    instead of taking the scan's.
    """
    files = read_sources(workdir, project)
    if thorough:
        files = list(asked_order(workdir, project, files).files)
    product = _prepare(workdir, project, cloud_format, aggregator, new_version, thorough)
    apply_dimensions(workdir, project, files)
    clear_cache(workdir, project)
    for stale in (product.path, workdir.comparison(project)):
        remove(stale)
    makers = {"kerchunk": _kerchunk, "parquet": _parquet, "zarr": _zarr, "CFA": _cfa}
    with as_asked(workdir, project, files):
        used = makers[product.cloud_format](workdir, project, product)
    if not product.exists():
        return {"message": f"PADOCC made no {product.cloud_format} product of {len(files)} source file(s)"}
    detail = read_json(workdir.detail_cfg(project))
    return {
        "product": str(product.path),
        "cloud_format": product.cloud_format,
        "revision": product.revision,
        "aggregator": used,
        "product_bytes": size_of(product.path),
        "num_files": len(files),
        "driver": detail.get("driver"),
        "timings": detail.get("timings") or {},
        "dataset": describe(product),
    }


def _prepare(
    workdir: Workdir, project: Project, cloud_format: str | None, aggregator: str | None, new_version: bool, thorough: bool
) -> Product:
    """Write the choices where PADOCC reads them, and return the product to be made."""
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    chosen = cloud_format or product_of(workdir, project, base).cloud_format
    base.setdefault("padocc_dagster", {}).pop("override_before_scan", None)
    options = base["padocc_dagster"].setdefault("options", {})
    options["cloud_format"] = chosen
    if aggregator:
        options["aggregator"] = aggregator
    padocc_format = "kerchunk" if chosen == "parquet" else chosen
    # file_type is reset too: a scan of more than 500 MB sets 'parq', which cannot be computed (compute.py:1353)
    base["override"] = {"cloud_type": padocc_format, "file_type": FILE_TYPES[padocc_format]}
    wants_cfa = chosen == "CFA" or bool(options.get("cfa"))
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


def _kerchunk(workdir: Workdir, project: Project, product: Product) -> str:
    """Kerchunk references with VirtualiZarr, then with MultiZarrToZarr. Returns the aggregator that worked, or '' for one file.

    PADOCC's own aggregator, its first choice for large projects, writes wrong shapes (`padocc/phases/aggregate.py:279`).
    """
    from padocc.phases.compute import KerchunkDS

    configs = {path: read_json(path) for path in (workdir.base_cfg(project), workdir.detail_cfg(project))}
    asked = options_of(configs[workdir.base_cfg(project)]).get("aggregator")
    attempts, failures = ([asked] if asked else list(AGGREGATORS)), []
    for attempt in attempts:
        try:
            construct(KerchunkDS, workdir, project, "compute").run(mode="kerchunk", aggregator=attempt)
            break
        except Exception as error:
            failures.append(f"{attempt}: {type(error).__name__}")
            error.add_note(f"(aggregators tried: {', '.join(failures)})")
            remove(product.path)  # K leaves a wrong product behind when it fails (aggregate.py:167)
            if attempt == attempts[-1] or type(error).__name__ in NO_OTHER_AGGREGATOR_HELPS:
                raise
            clear_cache(workdir, project)
            for path, value in configs.items():  # a failed attempt leaves dimensions of its own making behind
                write_json(path, value)
    restore_declarations(product, read_sources(workdir, project)[0])
    apply_attributes(workdir, project, product)
    return attempt if len(read_sources(workdir, project)) > 1 else ""


def _parquet(workdir: Workdir, project: Project, product: Product) -> str:
    """Kerchunk references in JSON, converted: PADOCC cannot write the parquet store itself (`padocc/phases/compute.py:1353`)."""
    from padocc_dagster.pipeline.making.parquet import write_parquet

    as_json = Product(product.path.with_suffix(".json"), "kerchunk", product.version)
    remove(as_json.path)
    used = _kerchunk(workdir, project, as_json)
    write_parquet(as_json.path, product.path)
    return used


def _zarr(workdir: Workdir, project: Project, product: Product) -> str:
    """A Zarr store. Where no scan has found the dimensions, PADOCC finds them, and does not tell its own validation."""
    import dask
    from padocc.phases.compute import ZarrDS

    with dask.config.set(scheduler="synchronous"), regular_chunks():
        operation = construct(ZarrDS, workdir, project, "compute")
        operation.run(mode="zarr")
    found = operation.combine_kwargs.get("concat_dims")
    if found and not (operation.detail_cfg["kwargs"].get("combine_kwargs") or {}).get("concat_dims"):
        operation.set_concat_dims(list(found))
    apply_attributes(workdir, project, product)
    return "xarray"


def _cfa(workdir: Workdir, project: Project, product: Product) -> str:
    """CFA-netCDF. PADOCC writes neither a status row nor the dimensions that its validation needs (`padocc/phases/compute.py:356`)."""
    from padocc.phases.compute import ComputeOperation

    operation = construct(ComputeOperation, workdir, project, "compute")
    status, _ = operation.run(mode="CFA")
    if status == "Success":
        operation.set_concat_dims(list(read_json(workdir.base_cfg(project))["data_properties"]["aggregated_dims"]))
        apply_attributes(workdir, project, product)
    append_row(workdir.status_log(project), "compute", status)
    return "cfapyx"


def describe(product: Product) -> dict[str, Any]:
    """The product as xarray sees it: sizes, variables with their dimensions and types, and its printed form."""
    import xarray

    engine = {"kerchunk": "kerchunk", "parquet": "kerchunk", "zarr": "zarr", "CFA": "CFA"}[product.cloud_format]
    with xarray.open_dataset(str(product.path), engine=engine, decode_times=False) as dataset:
        return {
            "sizes": {str(name): int(size) for name, size in dataset.sizes.items()},
            "variables": {
                str(name): {"dimensions": list(map(str, variable.dims)), "dtype": str(variable.dtype)}
                for name, variable in dataset.variables.items()
            },
            "text": str(dataset),
        }
