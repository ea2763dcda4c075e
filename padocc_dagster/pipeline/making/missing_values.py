"""Variables that declare two different missing values, which xarray decodes, and then cannot write into a Zarr store.

Written as they are stored, with both attributes, they are decoded by every reader alike.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from padocc_dagster.pipeline.making.refusals import ConflictingMissingValuesError

RAW = ("mask_and_scale", "decode_cf")
"""Options of `xarray.open_dataset` that, when false, leave values as they are stored."""


def missing_values_refusal(path: str, opening: Mapping[str, Any], dropped: Iterable[str]) -> ConflictingMissingValuesError | None:
    """Why a Zarr store of such files cannot be written (`xarray/conventions.py`, `xarray/coding/variables.py`); None where it can be.

    `path` is the first file, whose attributes the store gets; `opening` are the project's options for xarray.
    """
    import netCDF4

    if any(opening.get(name) is False for name in RAW):
        return None
    with netCDF4.Dataset(path) as dataset:
        for name, variable in dataset.variables.items():
            fill, missing = getattr(variable, "_FillValue", None), getattr(variable, "missing_value", None)
            if name in dropped or fill is None or missing is None or _same(fill, missing):
                continue
            message = (
                f"variable {name} in {path} has _FillValue {fill} and missing_value {missing}, which xarray cannot write once it has "
                "decoded them: set the option xarray.mask_and_scale to false, and the values are copied as they are stored"
            )
            return ConflictingMissingValuesError(message, name, [path])
    return None


def _same(fill: Any, missing: Any) -> bool:
    import numpy as np

    return bool(np.all(np.equal(fill, missing) | (np.not_equal(fill, fill) & np.not_equal(missing, missing))))
