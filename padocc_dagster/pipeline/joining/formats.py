"""Why source files cannot become a product of one cloud format, besides what differs between them (`preflight.py`).

The base config has, of the scan: padocc_dagster: {found: {undecoded: [time]}}
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from padocc_dagster.pipeline.comparison.sources import opened, read_block
from padocc_dagster.pipeline.joining.refusals import (
    ConflictingMissingValuesError,
    DifferingSharedVariableError,
    SourcesOverlapError,
    TextsInAggregationError,
)
from padocc_dagster.pipeline.joining.survey import headers_of
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import some
from padocc_dagster.pipeline.workdir.spec import ProjectSpec

RAW = ("mask_and_scale", "decode_cf")
"""Options of `xarray.open_dataset` that, when false, leave values as they are stored."""


def keep_findings(workdir: Workdir, project: Project, undecoded: Sequence[str]) -> None:
    """Record which times cannot be decoded."""
    base = read_json(workdir.base_cfg(project))
    base.setdefault("padocc_dagster", {})["found"] = {"undecoded": list(undecoded)}
    write_json(workdir.base_cfg(project), base)


def found_in(base: dict[str, Any]) -> dict[str, Any]:
    """What `keep_findings` has recorded in a base config; empty when nothing was."""
    return base.get("padocc_dagster", {}).get("found") or {}


def left_out(spec: ProjectSpec, path: str) -> set[str]:
    """The variables of a source file that a project's spec leaves out: those dropped, and where some are kept, the other data."""
    import netCDF4

    kept, dropped = spec.variables, set(spec.dropped)
    if not kept:
        return dropped
    with netCDF4.Dataset(path) as dataset:
        needed = {dimension for name in kept if name in dataset.variables for dimension in dataset[name].dimensions}
        return dropped | (set(dataset.variables) - {*kept} - needed)


def missing_values_refusal(path: str, opening: Mapping[str, Any], dropped: Iterable[str]) -> ConflictingMissingValuesError | None:
    """Why a Zarr store cannot be written: a variable declares two different missing values, which xarray decodes and cannot write again.

    None where it can be (`xarray/conventions.py`, `xarray/coding/variables.py`). `path` is the first file, whose attributes the store gets;
    `opening` are the project's options for xarray: written as they are stored, such variables are decoded by every reader alike.
    """
    import netCDF4
    import numpy as np

    if any(opening.get(name) is False for name in RAW):
        return None
    with netCDF4.Dataset(path) as dataset:
        for name, variable in dataset.variables.items():
            fill, missing = getattr(variable, "_FillValue", None), getattr(variable, "missing_value", None)
            if name in dropped or fill is None or missing is None:
                continue
            if not np.all(np.equal(fill, missing) | (np.not_equal(fill, fill) & np.not_equal(missing, missing))):
                message = (
                    f"variable {name} in {path} has _FillValue {fill} and missing_value {missing}, which xarray cannot write once it has "
                    "decoded them: set the option xarray.mask_and_scale to false, and the values are copied as they are stored"
                )
                return ConflictingMissingValuesError(message, name, [path])
    return None


def texts_refusal(path: str, dropped: Iterable[str]) -> TextsInAggregationError | None:
    """Why a CFA aggregation cannot be made of files like this one: it has texts of variable length. None where it can be.

    netCDF4 and cfapyx open a source file and the aggregation beside each other, and HDF5 2.0 then ends the process
    (`H5T__vlen_disk_isnull`), which cannot be caught.
    """
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        texts = [name for name, variable in dataset.variables.items() if variable.dtype is str and name not in {*dropped}]
    if not texts:
        return None
    message = (
        f"variable {texts[0]} in {path} holds texts of variable length, which crash the reader of CFA aggregations: "
        "make a Zarr store or kerchunk references, which hold them"
    )
    return TextsInAggregationError(message, texts[0], [path])


def overlap_refusal(files: Sequence[str], taken: Iterable[str]) -> SourcesOverlapError:
    """Why a CFA aggregation took only some of the files: for each place along its dimensions it holds one."""
    left = [path for path in files if path not in {*taken}]
    starts = {header.path: header.starts for header in headers_of(files)}
    twins = [path for path in files if path not in left and starts[path] == starts[left[0]]]
    beside = f"begins where {twins[0]} begins" if twins else "is where another file is"
    message = (
        f"{len(left)} of {len(files)} source files did not get into the CFA aggregation, which holds one file for each place: "
        f"{left[0]} {beside}. Edit the pattern so that it finds one version of each file"
    )
    return SourcesOverlapError(message, files=[*left, *twins])


def shared_refusal(files: Sequence[str], along: Collection[str], left_out: Collection[str]) -> DifferingSharedVariableError | None:
    """Why xarray cannot merge files into a Zarr store: a variable without the dimensions `along` is not the same in all of them.

    xarray's own `MergeError` names no file. None where there is no such variable; values are compared as stored. Raises SourceError for a
    file that cannot be opened.
    """
    import numpy as np

    with opened(files[0]) as first:
        names = [name for name, variable in first.variables.items() if name not in left_out and not set(variable.dimensions) & set(along)]
        shared = {name: read_block(first, name, ()) for name in names}
    odd: dict[str, list[str]] = {}
    others: dict[str, Any] = {}
    for path in files[1:]:
        with opened(path) as dataset:
            for name, values in shared.items():
                own = read_block(dataset, name, ()) if name in dataset.variables else None
                if own is None or own.shape != values.shape or not ((own == values) | ((own != own) & (values != values))).all():
                    odd.setdefault(name, []).append(path)
                    others.setdefault(name, own)
    if not odd:
        return None
    name, paths = next(iter(odd.items()))
    one, other, apart = shared[name], others[name], ""
    if one.dtype.kind in "iuf" and other is not None and other.shape == one.shape:
        apart = f" by up to {float(np.nanmax(abs(other.astype('f8') - one.astype('f8')))):.3g}"
    message = (
        f"variable {name} differs in {some(paths)}{apart} from {files[0]}, and a product has it once for all files: declare it "
        f"identical with identical_dims: [{name}] where only rounding differs, leave it out with dropped: [{name}], or edit the pattern"
    )
    return DifferingSharedVariableError(message, name, paths)
