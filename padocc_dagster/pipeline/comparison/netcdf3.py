"""Where the values of NetCDF3 files lie, read from their headers: classic, 64-bit offset and CDF5.

Source: The NetCDF File Format Specifications (https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html).
"""

import os
import struct
from dataclasses import dataclass
from math import prod
from typing import BinaryIO, NamedTuple

MAGIC = b"CDF"
TYPES = {1: "i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
"""NumPy's types by the number of the external type."""
DIMENSIONS, VARIABLES, ATTRIBUTES = 10, 11, 12
STREAMING = {4: 0xFFFFFFFF, 8: 0xFFFFFFFFFFFFFFFF}
"""The number of records of a file whose writer did not count them, by the width of the count."""
MOST_BYTES = 256 << 20
"""A count of more than this is no count."""


class Piece(NamedTuple):
    """Where a variable lies."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    """Byte of its first value."""
    step: int | None
    """Bytes from one record to the next; None for a variable without the record dimension, whose values lie in one piece."""


@dataclass
class _Header:
    """A header that is being read."""

    stream: BinaryIO
    wide: bool
    """Whether counts have eight bytes (CDF5)."""
    long_offsets: bool

    def count(self) -> int:
        width = 8 if self.wide else 4
        return self.integer(">Q" if width == 8 else ">I")

    def integer(self, form: str) -> int:
        return int(struct.unpack(form, self.bytes(struct.calcsize(form)))[0])

    def bytes(self, size: int) -> bytes:
        if size > MOST_BYTES:
            raise ValueError(f"its header has a count of {size} bytes")
        content = self.stream.read(size)
        if len(content) != size:
            raise ValueError("its header ends too early")
        return content

    def name(self) -> str:
        size = self.count()
        return self.bytes(_padded(size))[:size].decode("utf-8", "replace")

    def list_length(self, tag: int) -> int:
        found, length = self.integer(">I"), self.count()
        if found not in (0, tag) or (found == 0 and length):
            raise ValueError(f"its header has tag {found} where {tag} was expected")
        return length

    def skip_attributes(self) -> None:
        for _ in range(self.list_length(ATTRIBUTES)):
            self.name()
            size = _size_of(self.integer(">I"))
            self.bytes(_padded(self.count() * size))


def is_classic(path: str) -> bool:
    """Whether the file begins as NetCDF3 files do."""
    with open(path, "rb") as stream:
        return stream.read(3) == MAGIC


def pieces(path: str) -> dict[str, Piece]:
    """Where each variable of the file lies. Raises ValueError for anything but a sound NetCDF3 header, and OSError."""
    with open(path, "rb") as stream:
        magic = stream.read(4)
        if magic[:3] != MAGIC or len(magic) != 4 or magic[3] not in (1, 2, 5):
            raise ValueError("it does not begin with CDF and version 1, 2 or 5")
        header = _Header(stream, wide=magic[3] == 5, long_offsets=magic[3] in (2, 5))
        records = header.count()
        dimensions = [(header.name(), header.count()) for _ in range(header.list_length(DIMENSIONS))]
        header.skip_attributes()
        variables = [_variable(header, [size for _, size in dimensions]) for _ in range(header.list_length(VARIABLES))]
    return _placed(variables, None if records == STREAMING[8 if header.wide else 4] else records, os.path.getsize(path))


def _variable(header: _Header, sizes: list[int]) -> tuple[str, str, list[int], bool, int]:
    """Name, type, shape, whether the first dimension is that of records (whose size in the header is 0), and first byte."""
    name = header.name()
    numbers = [header.count() for _ in range(header.count())]
    if any(number >= len(sizes) for number in numbers):
        raise ValueError(f"its variable {name} has a dimension that is not in its header")
    header.skip_attributes()
    kind = header.integer(">I")
    _size_of(kind)
    header.count()  # the size, which is wrong for variables of 4 GiB and more
    begin = header.integer(">Q" if header.long_offsets else ">I")
    shape = [sizes[number] for number in numbers]
    return name, TYPES[kind], shape, bool(shape) and shape[0] == 0, begin


def _placed(variables: list[tuple[str, str, list[int], bool, int]], records: int | None, file_size: int) -> dict[str, Piece]:
    rows = [prod(shape[1:]) * int(dtype[-1]) for _, dtype, shape, recorded, _ in variables if recorded]
    # Records of a single variable follow each other without padding.
    step = rows[0] if len(rows) == 1 else sum(map(_padded, rows))
    if records is None:
        first = min((begin for *_, recorded, begin in variables if recorded), default=file_size)
        records = (file_size - first) // step if step else 0
    return {
        name: Piece(dtype, (records, *shape[1:]) if recorded else tuple(shape), begin, step if recorded else None)
        for name, dtype, shape, recorded, begin in variables
    }


def _padded(size: int) -> int:
    return size + -size % 4


def _size_of(kind: int) -> int:
    if kind not in TYPES:
        raise ValueError(f"its header has a type of number {kind}")
    return int(TYPES[kind][-1])
