"""The scan: find the files' order, then let PADOCC try a sample of them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from padocc_dagster.pipeline.joining.formats import left_out
from padocc_dagster.pipeline.joining.odd import in_short
from padocc_dagster.pipeline.joining.record import odd_kept
from padocc_dagster.pipeline.joining.refusals import with_details
from padocc_dagster.pipeline.making.aggregators import guarded
from padocc_dagster.pipeline.making.configured import as_configured, choose_format, find_order
from padocc_dagster.pipeline.making.dimensions import NotInSourceError, apply_dimensions
from padocc_dagster.pipeline.making.operation import clear_cache, construct
from padocc_dagster.pipeline.making.replacing import replaced
from padocc_dagster.pipeline.workdir.files import read_json, write_json, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import configured_override
from padocc_dagster.pipeline.workdir.sources import read_sources, total_bytes
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import append_row, read_rows

NO_TRIAL = "Warn-no trial: "
WITHOUT_REFERENCES = ("zarr", "CFA")
"""Formats that can hold what kerchunk references cannot, so that a trial of references that fails is a warning."""
FOUND_BY_SCAN: dict[str, Any] = {"kwargs": {}, "chunk_info": {}, "timings": {}, "driver": None, "virtual_concat": False}


def scan(workdir: Workdir, project: Project, cloud_format: str | None = None, cpus: int = 1) -> dict[str, Any]:
    """Order and open every source file, with so many processes where that pays, then run PADOCC's scan. Returns what it found.

    `cloud_format` is chosen for the product from now on; None keeps what the project's config says.

    The scan always runs for kerchunk: `mode='zarr'` converts every file and then fails (`padocc/phases/scan.py:378`). The format that
    the project has is put back afterwards. Where that is Zarr or CFA, which can hold what kerchunk references cannot, a trial that
    fails is a warning: every file was opened, and the product is compared with them all the same.
    """
    files = read_sources(workdir, project)
    if cloud_format:
        choose_format(workdir, project, cloud_format)
    ordering = find_order(workdir, project, files, cpus)
    clear_cache(workdir, project)
    configured = _prepare(workdir, project)
    try:
        apply_dimensions(workdir, project, ordering.files)
        _try_sample(workdir, project, ordering.files)
    except (OSError, MemoryError, NotInSourceError):
        raise
    except Exception as error:
        if configured["cloud_type"] not in WITHOUT_REFERENCES:
            raise
        _forget_trial(workdir, project, ordering.files, type(error).__name__)
    finally:
        write_lines(workdir.allfiles(project), list(ordering.files))  # a trial of CFA leaves its sample there (compute.py:574)
        base = read_json(workdir.base_cfg(project))
        base["override"] = configured
        base["padocc_dagster"].pop("override_before_scan", None)
        write_json(workdir.base_cfg(project), base)
    detail = read_json(workdir.detail_cfg(project))
    combine = (detail.get("kwargs") or {}).get("combine_kwargs") or {}
    return {
        "num_files": len(files),
        "source_bytes": total_bytes(files),
        "order": ordering.note,
        "driver": detail.get("driver"),
        "chunk_info": detail.get("chunk_info") or {},
        "timings": detail.get("timings") or {},
        "estimated_product": detail.get("cloud_data"),
        "concat_dims": combine.get("concat_dims") or [],
        "undecoded": list(ordering.undecoded),
        "odd_files": in_short(odd_kept(workdir, project)),
        "sampled": _sampled(detail, read_rows(workdir.status_log(project))[-1].status),
    }


def _try_sample(workdir: Workdir, project: Project, files: Sequence[str]) -> None:
    """Run PADOCC's scan. What it raises says which aggregators it tried, as a note and among its details."""
    from padocc.phases.scan import ScanOperation

    dropped = left_out(spec_of(workdir, project), files[0])
    with as_configured(workdir, project, files), coordinates_in_any_chunks(), guarded(files, dropped) as attempts:
        try:
            construct(ScanOperation, workdir, project, "scan").run(mode="kerchunk")
        except Exception as error:
            if str(attempts):
                error.add_note(f"(aggregators tried: {attempts})")
            with_details(error, aggregators=list(attempts))
            raise


def _sampled(detail: dict[str, Any], status: str) -> str:
    if status.startswith(NO_TRIAL):
        return f"PADOCC made no kerchunk references of a sample ({status.removeprefix(NO_TRIAL)}), which the format does not need"
    return "too few files to sample" if detail.get("skipped") else "PADOCC tried a sample of the files"


def _forget_trial(workdir: Workdir, project: Project, files: Sequence[str], error_class: str) -> None:
    """Leave nothing of a trial that failed but a warning in the status log."""
    clear_cache(workdir, project)
    detail = {**read_json(workdir.detail_cfg(project)), **FOUND_BY_SCAN, "skipped": True, "num_files": len(files)}
    write_json(workdir.detail_cfg(project), detail)
    apply_dimensions(workdir, project, files)
    append_row(workdir.status_log(project), "scan", f"{NO_TRIAL}{error_class}")


def _prepare(workdir: Workdir, project: Project) -> dict[str, Any]:
    """Forget an earlier scan, and set the format the scan runs with. Returns the format that the config names."""
    write_json(workdir.detail_cfg(project), {**read_json(workdir.detail_cfg(project)), **FOUND_BY_SCAN})
    base = read_json(workdir.base_cfg(project))
    configured = configured_override(base)
    base.setdefault("padocc_dagster", {})["override_before_scan"] = configured
    base["override"] = {"cloud_type": "kerchunk", "file_type": "json"}
    write_json(workdir.base_cfg(project), base)
    return configured


def coordinates_in_any_chunks() -> AbstractContextManager[None]:
    """For the block, PADOCC's scan does not compare the chunks of coordinates along the dimensions of concatenation.

    Both aggregators read the values of these coordinates and write them anew. PADOCC's scan refuses them all the same where their chunks
    differ (`padocc/phases/scan.py:255`), as in months of 31, 28 and 31 days.
    """
    from padocc.phases.scan import ScanOperation

    summarise = ScanOperation._summarise_json

    def without_coordinates(operation: Any, identifier: Any) -> Any:
        volume, count, chunks, per_variable = summarise(operation, identifier)
        combine = (operation.detail_cfg["kwargs"] or {}).get("combine_kwargs") or {}
        joined = combine.get("concat_dims") or ()
        return volume, count, {name: None if name in joined else found for name, found in chunks.items()}, per_variable

    return replaced(ScanOperation, _summarise_json=without_coordinates)
