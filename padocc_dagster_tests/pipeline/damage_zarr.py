"""Ways to damage a Zarr store: its files, its metadata, its values."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr

Damage = Callable[[Path], Any]


def flip(path: Path, position: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * position)] ^= 16
    path.write_bytes(bytes(content))


def swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def array(store: Path, name: str) -> zarr.Array:
    return zarr.open_group(str(store), mode="r+", use_consolidated=False)[name]


def metadata(store: Path, name: str, change: Callable[[dict[str, Any]], Any], consolidated: bool = True, own: bool = True) -> None:
    """Change the metadata of an array in its own file, in the root's copy, or in both."""
    if own:
        _edit(store / name / "zarr.json", change)
    if consolidated:
        _edit(store / "zarr.json", lambda root: change(root["consolidated_metadata"]["metadata"][name]))


def attributes(store: Path, name: str, **changes: Any) -> None:
    def change(value: dict[str, Any]) -> None:
        value["attributes"].update(changes)
        value["attributes"] = {k: v for k, v in value["attributes"].items() if v is not None}

    metadata(store, name, change)


def drop(store: Path, name: str) -> None:
    shutil.rmtree(store / name)
    _edit(store / "zarr.json", lambda root: root["consolidated_metadata"]["metadata"].pop(name))


def resize(store: Path, size: int) -> None:
    group = zarr.open_group(str(store), mode="r+", use_consolidated=False)
    for name in ("time", "tas", "pr"):
        group[name].resize((size, *group[name].shape[1:]))
    zarr.consolidate_metadata(str(store))


def roll(store: Path, name: str, by: int) -> None:
    """The files' parts in another order."""
    values = array(store, name)
    values[...] = np.roll(values[...], by, axis=0)


def repeat(store: Path) -> None:
    """The second file's values are the first's."""
    for name in ("tas", "pr", "time"):
        values = array(store, name)
        values[4:8] = values[0:4]


def put(store: Path, name: str, index: Any, value: Any) -> None:
    array(store, name)[index] = value


def no_coordinates(store: Path) -> None:
    """Neither a variable nor the data set names coordinates any more."""
    for name in ("tas", "pr", "flag", "orog"):
        attributes(store, name, coordinates=None)
    _edit(store / "zarr.json", lambda root: root["attributes"].pop("coordinates", None))


def _edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


ZARR: dict[str, Damage] = {
    "a chunk file removed": lambda store: (store / "tas/c/1/0/0").unlink(),
    "the only chunk of a coordinate removed": lambda store: (store / "time/c/0").unlink(),
    "all chunk files of a variable removed": lambda store: shutil.rmtree(store / "tas/c"),
    "a byte flipped": lambda store: flip(store / "tas/c/1/0/0"),
    "a byte near the beginning flipped": lambda store: flip(store / "tas/c/1/0/0", 0.05),
    "a byte near the end flipped": lambda store: flip(store / "pr/c/4/0/0", 0.9),
    "a chunk file cut": lambda store: (store / "tas/c/1/0/0").write_bytes((store / "tas/c/1/0/0").read_bytes()[:-5]),
    "a chunk file emptied": lambda store: (store / "tas/c/1/0/0").write_bytes(b""),
    "two chunk files swapped": lambda store: swap(store / "tas/c/1/0/0", store / "tas/c/2/0/0"),
    "chunk files of two variables swapped": lambda store: swap(store / "tas/c/1/0/0", store / "pr/c/1/0/0"),
    "a chunk file too many": lambda store: shutil.copy(store / "tas/c/1/0/0", store / "tas/c/1/0/9"),
    "a variable dropped": lambda store: drop(store, "tas"),
    "a coordinate dropped": lambda store: drop(store, "lat"),
    "a dimension shorter": lambda store: resize(store, 10),
    "a dimension longer": lambda store: resize(store, 14),
    "one shape changed": lambda store: metadata(store, "tas", lambda m: m.update(shape=[14, 10, 14])),
    "the root's copy of a shape changed": lambda store: metadata(store, "tas", lambda m: m.update(shape=[10, 10, 14]), own=False),
    "the root's copy of units changed": lambda store: metadata(store, "tas", lambda m: m["attributes"].update(units="degC"), own=False),
    "an array's own metadata changed": lambda store: metadata(
        store, "pr", lambda m: m["attributes"].update(scale_factor=9.0), consolidated=False
    ),
    "another type": lambda store: metadata(store, "tas", lambda m: m.update(data_type="int32", fill_value=0)),
    "another chunk shape": lambda store: metadata(store, "tas", lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[4, 10, 14])),
    "dimensions renamed": lambda store: metadata(store, "orog", lambda m: m.update(dimension_names=["y", "lon"])),
    "another scale_factor": lambda store: attributes(store, "pr", scale_factor=0.25),
    "another add_offset": lambda store: attributes(store, "pr", add_offset=11.0),
    "other units": lambda store: attributes(store, "tas", units="degC"),
    "other units of time": lambda store: attributes(store, "time", units="days since 2000-01-02"),
    "another calendar": lambda store: attributes(store, "time", calendar="360_day"),
    "missing values no longer masked": lambda store: attributes(store, "pr", _FillValue=None),
    "values masked by missing_value": lambda store: attributes(store, "orog", missing_value=5.0),
    "a value of time changed": lambda store: put(store, "time", 5, array(store, "time")[5] + 1),
    "one value changed by the least step": lambda store: put(
        store, "tas", (7, 2, 3), np.nextafter(np.float32(array(store, "tas")[7, 2, 3]), np.float32(0))
    ),
    "one value lost": lambda store: put(store, "tas", (11, 3, 5), np.nan),
    "a fixed field changed": lambda store: put(store, "orog", (0, 0), 99.0),
    "a coordinate changed": lambda store: put(store, "lat", 0, -61.0),
    "sources in another order": lambda store: (roll(store, "tas", 4), roll(store, "pr", 4)),
    "the only auxiliary coordinate no coordinate": lambda store: no_coordinates(store),
    "other meanings of flags": lambda store: attributes(store, "flag", flag_meanings="bad doubtful good"),
    "other values of flags": lambda store: attributes(store, "flag", flag_values=[0, 2, 1]),
    "another pole": lambda store: attributes(store, "rotated_pole", grid_north_pole_latitude=42.5),
    "another sign": lambda store: attributes(store, "tas", positive="down"),
    "another quantity": lambda store: attributes(store, "tas", standard_name="surface_temperature"),
    "zeros masked": lambda store: attributes(store, "flag", _FillValue="AAAAAAAAAAA="),
    "a source missing and another there twice": repeat,
}

HARMLESS: dict[str, Damage] = {
    "a global attribute": lambda store: _edit(store / "zarr.json", lambda root: root["attributes"].update(title="another title")),
    "a variable's attribute": lambda store: attributes(store, "tas", long_name="another name"),
}
