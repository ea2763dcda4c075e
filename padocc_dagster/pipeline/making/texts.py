"""Texts of variable length, at which the reader of CFA aggregations crashes.

netCDF4 and cfapyx open a source file and the aggregation beside each other, and HDF5 2.0 then ends the process
(`H5T__vlen_disk_isnull`). Nothing can be caught of that, so such variables are looked for before.
"""

from collections.abc import Iterable

from padocc_dagster.pipeline.making.refusals import TextsInAggregationError


def texts_refusal(path: str, dropped: Iterable[str]) -> TextsInAggregationError | None:
    """Why a CFA aggregation cannot be made of files like this one; None where it can be."""
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
