"""The spec of one project: its part of a group config, checked, with its source files. A value between `selection` and `pipeline`."""

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
    """How many source files the product is compared with, value by value; `auto` reads what references do not prove."""
    concat_dims: tuple[str, ...] = ()
    """The dimension along which the files follow each other, where PADOCC does not find it; empty lets it look."""
    identical_dims: tuple[str, ...] = ()
    """Dimensions and variables that are the same in all files, besides those that PADOCC finds so."""
    identical_within: float | None = None
    """The largest difference between files of what `identical_dims` declares identical; None for the precision of single-precision
    numbers."""
    xarray: dict[str, Any] = field(default_factory=dict)
    """How source files are opened by xarray: options of `xarray.open_dataset`."""


@dataclass(frozen=True)
class ProjectSpec:
    """One project of a group config."""

    code: str
    pattern: str
    """The glob pattern as written, or the absolute path of the list of files; empty when the config lists the files itself."""
    files: tuple[str, ...]
    """Absolute paths of the source files, in natural order of their names, or in the order of their records; substitutions are made."""
    updates: dict[str, Any] = field(default_factory=dict)
    """Global attributes to set in the product."""
    removals: tuple[str, ...] = ()
    """Global attributes to remove from the product."""
    variables: tuple[str, ...] = ()
    """Variables to keep (with their dimensions); empty keeps all."""
    options: ProjectOptions = ProjectOptions()
    dropped: tuple[str, ...] = ()
    """Variables to leave out, coordinates too."""
    substitutions: dict[str, str] = field(default_factory=dict)
    """Texts to replace in the pattern and in each path of the list of files, in this order. They are made, and forgotten, where the
    config lists the files itself."""

    records: dict[str, Any] = field(default_factory=dict)
    """Which records of a catalogue the files come from: `catalogue`, how many `items`, a `digest` that changes when one of them does,
    and `publish_item`, true where an item is to be published with the product. Empty for files that were chosen otherwise."""
    item: str = ""
    """The STAC item, as JSON, that is to be published with the product, if one is."""
    checksums: dict[str, str] = field(default_factory=dict)
    """Path → checksum of the source files for which a catalogue gives one (`file:checksum`, a multihash in hexadecimal)."""

    def changed(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """These global attributes, with those that the config sets and without those that it removes."""
        return {name: value for name, value in attributes.items() if name not in self.removals} | self.updates

    def as_dict(self) -> dict[str, Any]:
        """Everything but the files, their checksums and the item, as JSON holds it."""
        value = asdict(self)
        del value["files"], value["item"], value["checksums"]
        value |= {name: list(value[name]) for name in ("removals", "variables", "dropped")}
        value["options"] |= {name: list(value["options"][name]) for name in ("concat_dims", "identical_dims")}
        return value
