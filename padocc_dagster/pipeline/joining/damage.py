"""Source files that are empty, cut off, or no NetCDF files, in words of the file and not of the library that fails on it."""

import os
from math import prod

from padocc_dagster.pipeline.comparison.chunk_index import HDF5_MAGIC
from padocc_dagster.pipeline.comparison.netcdf3 import MAGIC, is_classic, pieces

SUPERBLOCK_BYTES = 64
SHOWN_BYTES = 12


def check_whole(path: str) -> None:
    """Raise ValueError for a file that was cut off. The library for NetCDF3 reads zeros there. Raises OSError as well."""
    size = os.path.getsize(path)
    if not size:
        raise ValueError("it is empty")
    if is_classic(path):
        _check_classic(path, size)
        return
    with open(path, "rb") as stream:
        meant = hdf5_length(stream.read(SUPERBLOCK_BYTES))
    if meant is not None and meant > size:
        raise ValueError(f"it is {size} bytes long and was {meant} when it was written: it was cut off")


def reason_of(path: str, error: Exception) -> str:
    """Why a file cannot be opened, for a reader."""
    if type(error) is ValueError:
        return str(error)
    try:
        with open(path, "rb") as stream:
            begin = stream.read(SHOWN_BYTES)
    except OSError as unreadable:
        return f"{type(unreadable).__name__}: {unreadable.strerror}"
    if begin[: len(MAGIC)] != MAGIC and begin[: len(HDF5_MAGIC)] != HDF5_MAGIC:
        return f"it is neither NetCDF3 nor HDF5, as it begins with {begin!r}"
    return f"{type(error).__name__}: {error}"


def hdf5_length(superblock: bytes) -> int | None:
    """How long an HDF5 file was when it was closed, from its first bytes; None for another file.

    Source: HDF5 File Format Specification 3.0, section II.A (the end of file address, which libhdf5 checks as well).
    """
    if superblock[: len(HDF5_MAGIC)] != HDF5_MAGIC or len(superblock) < SUPERBLOCK_BYTES:
        return None
    version = superblock[8]
    begin, width = {0: (24, superblock[13]), 1: (28, superblock[13])}.get(version, (12, superblock[9]))
    end = begin + 2 * width
    return int.from_bytes(superblock[end : end + width], "little") if width in (2, 4, 8) else None


def _check_classic(path: str, size: int) -> None:
    for name, piece in pieces(path).items():
        row = prod(piece.shape[1:] if piece.step is not None else piece.shape) * int(piece.dtype[-1])
        end = piece.begin + row + (piece.step or 0) * (piece.shape[0] - 1 if piece.step is not None else 0)
        if end > size and 0 not in piece.shape:
            raise ValueError(f"it is {size} bytes long and ends within variable {name}, which takes it to {end}: it was cut off")
