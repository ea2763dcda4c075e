"""The lines of Python that open a published product with plain xarray, for its readers. Nothing of this package is in them."""

import json
from pathlib import Path
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.spec import CloudFormat


class Opening(NamedTuple):
    """How xarray opens a format."""

    options: str
    """Arguments of `xarray.open_dataset`, after the path."""
    needs: str
    """What pip installs for it."""


OPENINGS: dict[CloudFormat, Opening] = {
    "kerchunk": Opening('engine="kerchunk"', "xarray kerchunk fsspec 'zarr>=3'"),
    "parquet": Opening('engine="kerchunk", storage_options={"remote_protocol": "file"}', "xarray kerchunk fsspec fastparquet 'zarr>=3'"),
    "zarr": Opening('engine="zarr"', "xarray 'zarr>=3'"),
    "CFA": Opening('engine="CFA"', "xarray cfapyx netCDF4"),
}
REMOTE = Opening('engine="kerchunk", storage_options={"remote_protocol": "https"}', "xarray kerchunk fsspec aiohttp 'zarr>=3'")
"""For references whose links were rewritten to addresses on the web."""


def lines_to_open(path: Path, cloud_format: CloudFormat, is_remote: bool = False) -> list[str]:
    """The lines, which leave the product in `dataset`. Values are read when they are used.

    `is_remote` is for kerchunk references whose links lead to the web, as those of a revision `kr1.0`.
    """
    options, needs = REMOTE if is_remote else OPENINGS[cloud_format]
    return [f"# pip install {needs}", "import xarray", f"dataset = xarray.open_dataset({json.dumps(str(path))}, {options})"]
