"""What a group config says of one project, checked and with its source files found: a value between `selection` and `pipeline`."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

CloudFormat = Literal["kerchunk", "parquet", "zarr", "CFA"]
Aggregator = Literal["V", "K"]
CLOUD_FORMATS: tuple[str, ...] = get_args(CloudFormat)
AGGREGATORS: tuple[str, ...] = get_args(Aggregator)


@dataclass(frozen=True)
class ProjectOptions:
    """What may be chosen for a project, beyond which files it is made of."""

    cloud_format: CloudFormat = "kerchunk"
    aggregator: Aggregator | None = None
    """VirtualiZarr or MultiZarrToZarr; None tries V, then K. PADOCC's own aggregator P writes wrong shapes and is not offered."""
    cfa: bool = False
    """Also make a CFA-netCDF aggregation, which doubles the time of compute."""
    compare: Literal["auto", "all"] | int = "auto"
    """How many source files the product is compared with, value by value."""


@dataclass(frozen=True)
class ProjectSpec:
    """One project of a group config."""

    code: str
    pattern: str
    """The glob pattern as written, or the absolute path of the list of files; empty when the config lists the files itself."""
    files: tuple[str, ...]
    """Absolute paths of the source files, in natural order of their names."""
    updates: dict[str, Any] = field(default_factory=dict)
    """Global attributes to set in the product."""
    removals: tuple[str, ...] = ()
    """Global attributes to remove from the product."""
    variables: tuple[str, ...] = ()
    """Variables to keep (with their dimensions); empty keeps all."""
    options: ProjectOptions = ProjectOptions()

    def as_dict(self) -> dict[str, Any]:
        """Everything but the files, as JSON holds it."""
        value = asdict(self)
        del value["files"]
        return {**value, "removals": list(self.removals), "variables": list(self.variables)}
