"""Files that are not like the others, as values: what they have, what the others have, and which formats cannot hold both."""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from padocc_dagster.pipeline.workdir.spec import CLOUD_FORMATS, CloudFormat

REFERENCES: tuple[CloudFormat, ...] = ("kerchunk", "parquet")
ALL: tuple[CloudFormat, ...] = ("kerchunk", "parquet", "zarr", "CFA")
PRODUCTS = {"kerchunk": "kerchunk references", "parquet": "kerchunk references", "zarr": "a Zarr store", "CFA": "a CFA aggregation"}
MOST_FILES, SHOWN = 100, 3


class Kind(StrEnum):
    """Kinds of difference, in the order in which they are to be looked at."""

    UNREADABLE = "unreadable"
    VARIABLES = "missing variable"
    CALENDAR = "calendar"
    DIMENSIONS = "dimensions"
    TYPE = "type"
    FILTERS = "filters"
    CHUNKS = "chunks"
    PARTIAL = "partial chunks"
    PACKING = "packing"
    UNITS = "units"
    ATTRIBUTES = "attributes"
    COORDINATES = "coordinates"
    FILL = "missing value"


class Odd(BaseModel):
    """Some source files that have something that the others have otherwise."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    variable: str = ""
    """The variable concerned; empty where it is not one."""
    files: tuple[str, ...]
    """Their paths, at most a hundred."""
    count: int
    """How many they are."""
    has: str
    """What they have, as `has chunks of 4x12x14`; of files that cannot be read, why."""
    others: str = ""
    """What most other files have; empty where all files are alike."""
    such_as: str = ""
    """One of the others."""
    others_count: int = 0
    refused_by: tuple[CloudFormat, ...] = ()
    """Formats that cannot hold both."""

    @property
    def sentence(self) -> str:
        """The difference, with the files."""
        named = ", ".join(self.files[:SHOWN]) + (f" and {self.count - SHOWN} more" if self.count > SHOWN else "")
        if self.kind is Kind.UNREADABLE:
            return f"{named} cannot be read: {self.has}"
        what = f"variable {self.variable}" if self.variable else "the grid"
        beside = f"; it {self.others} in {self.others_count} other file(s), such as {self.such_as}" if self.others else ""
        return f"{what} {self.has} in {named}{beside}"

    def meaning_for(self, cloud_format: str) -> str:
        """What the difference means for a product of this format, and which formats can hold it."""
        if self.kind is Kind.UNREADABLE:
            return "No product can be made of a file that cannot be read"
        product = PRODUCTS[cloud_format][0].upper() + PRODUCTS[cloud_format][1:]
        if cloud_format not in self.refused_by:
            return f"{product} can hold that"
        holding = dict.fromkeys(PRODUCTS[each] for each in CLOUD_FORMATS if each not in self.refused_by)
        return f"{product} cannot hold that; {' or '.join(holding) or 'no format'} can"


def in_short(odd: Sequence[Odd]) -> str:
    """How many differences of which kind there are, in a line; empty where there are none."""
    kinds: dict[Kind, int] = {}
    for each in odd:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    return ", ".join(f"{count} of {kind}" for kind, count in kinds.items())
