"""The kerchunk drivers that PADOCC tries on a source file, and the error when none of them reads it.

When the driver that read the file before raises, PADOCC tries all others (`padocc/phases/compute.py:96`), the one for GRIB last. That one
looks for the letters "GRIB" and never ends on a file without them (`kerchunk/grib2.py:65`). PADOCC drops the reasons that drivers give
(`compute.py:139`), names no file, and ends with a KeyError when the file is not the first (`compute.py:1002`).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.making.replacing import replaced

NAMES = {"ncf3": "NetCDF3", "hdf5": "HDF5", "tif": "TIFF", "grib": "GRIB"}
GRIB_MAGIC = b"GRIB"


class NoDriverError(Exception):
    """No kerchunk driver reads a source file. `reasons` has what each driver said."""

    def __init__(self, path: str, reasons: Mapping[str, str]) -> None:
        self.path, self.reasons = path, dict(reasons)
        said = "; ".join(f"{driver}: {reason}" for driver, reason in reasons.items())
        super().__init__(
            f"no kerchunk driver reads {path} ({said}): replace or convert it, or make a Zarr store, which is written from the values"
        )

    def get_str(self) -> str:
        """The status that PADOCC writes for this error (`padocc/core/errors.py:62`)."""
        return f"Failed-{type(self).__name__}"


def is_grib(path: str | Path) -> bool:
    """Whether a file begins as GRIB files do. Raises OSError when it cannot be read."""
    with open(path, "rb") as file:
        return file.read(len(GRIB_MAGIC)) == GRIB_MAGIC


def fitting_drivers() -> AbstractContextManager[None]:
    """For the block, PADOCC tries the GRIB driver on GRIB files alone, and a file that no driver reads raises NoDriverError."""
    from padocc.core.errors import KerchunkDriverFatalError
    from padocc.phases.compute import KerchunkConverter

    convert, run = KerchunkConverter._convert_kerchunk, KerchunkConverter.run
    reasons: dict[str, str] = {}

    def convert_fitting(converter: Any, path: str, driver: str, **options: Any) -> dict[str, Any] | None:
        if driver == "grib" and not is_grib(path):
            return None
        bypass, converter._bypass_driver = converter._bypass_driver, False
        try:
            references: dict[str, Any] | None = convert(converter, path, driver, **options)
            return references
        except Exception as error:
            reasons[NAMES.get(driver, driver)] = f"{type(error).__name__}: {error}"
            if not bypass:
                raise
            return None
        finally:
            converter._bypass_driver = bypass

    def run_explained(converter: Any, path: str, *rest: Any, **options: Any) -> tuple[dict[str, Any], str]:
        reasons.clear()
        try:
            found: tuple[dict[str, Any], str] = run(converter, path, *rest, **options)
            return found
        except KerchunkDriverFatalError:
            raise NoDriverError(path, reasons) from None

    return replaced(KerchunkConverter, _convert_kerchunk=convert_fitting, run=run_explained)
