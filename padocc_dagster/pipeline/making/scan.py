"""The scan: find the files' order, then let PADOCC try a sample of them."""

from typing import Any

from padocc_dagster.pipeline.files import read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.making.asked import as_asked, asked_order
from padocc_dagster.pipeline.making.dimensions import apply_dimensions
from padocc_dagster.pipeline.making.operation import clear_cache, construct
from padocc_dagster.pipeline.product import asked_override
from padocc_dagster.pipeline.sources import read_sources, total_bytes

FOUND_BY_SCAN = {"kwargs": {}, "chunk_info": {}, "timings": {}, "driver": None, "virtual_concat": False}


def scan(workdir: Workdir, project: Project) -> dict[str, Any]:
    """Order and open every source file, then run PADOCC's scan. Returns what it found.

    The scan always runs for kerchunk: `mode='zarr'` converts every file and then fails (`padocc/phases/scan.py:378`). The format that
    the project asks for is put back afterwards.
    """
    from padocc.phases.scan import ScanOperation

    files = read_sources(workdir, project)
    ordering = asked_order(workdir, project, files)
    clear_cache(workdir, project)
    asked = _prepare(workdir, project)
    try:
        apply_dimensions(workdir, project, ordering.files[0])
        with as_asked(workdir, project, files):
            construct(ScanOperation, workdir, project, "scan").run(mode="kerchunk")
    finally:
        base = read_json(workdir.base_cfg(project))
        base["override"] = asked
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
        "sampled": "too few files to sample" if detail.get("skipped") else "PADOCC tried a sample of the files",
    }


def _prepare(workdir: Workdir, project: Project) -> dict[str, Any]:
    """Forget an earlier scan, and set the format the scan runs with. Returns the format the project asks for."""
    write_json(workdir.detail_cfg(project), {**read_json(workdir.detail_cfg(project)), **FOUND_BY_SCAN})
    base = read_json(workdir.base_cfg(project))
    asked = asked_override(base)
    base.setdefault("padocc_dagster", {})["override_before_scan"] = asked
    base["override"] = {"cloud_type": "kerchunk", "file_type": "json"}
    write_json(workdir.base_cfg(project), base)
    return asked
