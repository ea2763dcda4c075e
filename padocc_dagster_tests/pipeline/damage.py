"""Ways to damage a product: of kerchunk references (JSON or parquet), and of a Zarr store.

Each takes what it damages and the source files, and changes it in place.
"""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Refs = dict[str, Any]
Damage = Callable[[Refs, tuple[str, ...]], Any]


def metadata(refs: Refs, key: str, **changes: Any) -> None:
    """Change entries of a .zarray or .zattrs; None removes one."""
    value = json.loads(refs[key]) if isinstance(refs[key], str) else dict(refs[key])
    value.update(changes)
    refs[key] = json.dumps(
        {name: item for name, item in value.items() if item is not None or name in ("fill_value", "compressor", "filters")}
    )


def read(refs: Refs, key: str) -> Any:
    return json.loads(refs[key]) if isinstance(refs[key], str) else refs[key]


def swap(refs: Refs, one: str, other: str) -> None:
    refs[one], refs[other] = refs[other], refs[one]


def move(refs: Refs, key: str, offset: int = 0, length: int = 0) -> None:
    path, begin, size = refs[key]
    refs[key] = [path, begin + offset, size + length]


def of_another_file(refs: Refs, sources: tuple[str, ...]) -> None:
    refs["tas/1.0.0"] = refs["tas/3.0.0"]


def path_of(refs: Refs, key: str, path: str) -> None:
    refs[key] = [path, *refs[key][1:]]


def a_stranger(refs: Refs, sources: tuple[str, ...]) -> None:
    stranger = Path(sources[0]).with_name("stranger.nc")
    shutil.copy(sources[0], stranger)
    path_of(refs, "tas/0.0.0", str(stranger))


def drop(refs: Refs, variable: str) -> None:
    for key in [key for key in refs if key.startswith(f"{variable}/")]:
        del refs[key]


def resize(refs: Refs, size: int, only: str | None = None) -> None:
    """Give every variable along time (or one) another length there, and drop the chunks beyond."""
    for key in [key for key in refs if key.endswith("/.zarray")]:
        name = key.split("/")[0]
        if only in (None, name) and "time" in read(refs, f"{name}/.zattrs")["_ARRAY_DIMENSIONS"]:
            array = read(refs, key)
            metadata(refs, key, shape=[size, *array["shape"][1:]])
            beyond = -(-size // array["chunks"][0])
            for chunk in [k for k in refs if k.startswith(f"{name}/") and not k.split("/")[1].startswith(".")]:
                if int(chunk.split("/")[1].split(".")[0]) >= beyond:
                    del refs[chunk]


def inline(refs: Refs, key: str, values: np.ndarray) -> None:
    metadata(refs, f"{key.split('/')[0]}/.zarray", compressor=None, filters=None)
    refs[key] = "base64:" + base64.b64encode(values.tobytes()).decode()


def one_chunk_of_time(refs: Refs, values: np.ndarray) -> None:
    drop_chunks(refs, "time")
    metadata(refs, "time/.zarray", chunks=[len(values)], dtype="<f8", compressor=None, filters=None)
    inline(refs, "time/0", values)


def drop_chunks(refs: Refs, variable: str) -> None:
    for key in [k for k in refs if k.startswith(f"{variable}/") and not k.split("/")[1].startswith(".")]:
        del refs[key]


def one_file_twice(refs: Refs, sources: tuple[str, ...]) -> None:
    """The second file's chunks are the first's: the second is missing, the first is there twice."""
    for key, value in refs.items():
        if isinstance(value, list) and value[0] == sources[1]:
            name, _, chunk = key.partition("/")
            first, _, rest = chunk.partition(".")
            refs[key] = refs[f"{name}/{int(first) - 2}" + (f".{rest}" if rest else "")]


def files_in_another_order(refs: Refs, sources: tuple[str, ...]) -> None:
    for name in ("tas", "pr"):
        for chunk in range(2):
            swap(refs, f"{name}/{chunk}.0.0", f"{name}/{chunk + 2}.0.0")


def masked(refs: Refs, variable: str, value: Any) -> None:
    """Declare a value that occurs as missing."""
    metadata(refs, f"{variable}/.zarray", fill_value=value)
    metadata(refs, f"{variable}/.zattrs", _FillValue=None)


def unmask(refs: Refs) -> None:
    metadata(refs, "pr/.zarray", fill_value=None)
    metadata(refs, "pr/.zattrs", _FillValue=None)


def flip(refs: Refs, key: str) -> None:
    """Flip one bit of a chunk that the product holds itself."""
    text = refs[key]
    content = bytearray(base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode())
    content[len(content) // 2] ^= 16
    refs[key] = "base64:" + base64.b64encode(bytes(content)).decode()


def inline_wrongly(refs: Refs, sources: tuple[str, ...]) -> None:
    refs["orog/0.0"] = "base64:" + base64.b64encode(np.ones(140, "<f4").tobytes()).decode()


TIME = np.arange(12, dtype="<f8")

KERCHUNK: dict[str, Damage] = {
    "a chunk deleted": lambda refs, _: refs.pop("tas/1.0.0"),
    "all chunks of a variable deleted": lambda refs, _: drop_chunks(refs, "tas"),
    "a chunk of the coordinate deleted": lambda refs, _: refs.pop("time/0"),
    "two chunks swapped": lambda refs, _: swap(refs, "tas/0.0.0", "tas/1.0.0"),
    "two chunks of different variables swapped": lambda refs, _: swap(refs, "tas/0.0.0", "pr/0.0.0"),
    "a chunk pointing at another offset": lambda refs, _: move(refs, "tas/0.0.0", offset=64),
    "a chunk shifted by a byte": lambda refs, _: move(refs, "tas/0.0.0", offset=1),
    "a chunk shifted by a byte back": lambda refs, _: move(refs, "pr/3.0.0", offset=-1),
    "a chunk cut by a byte": lambda refs, _: move(refs, "tas/0.0.0", length=-1),
    "a chunk beyond the end of its file": lambda refs, _: move(refs, "tas/0.0.0", offset=1 << 30),
    "a chunk of another file": of_another_file,
    "a path that does not exist": lambda refs, s: path_of(refs, "tas/0.0.0", s[0] + ".old"),
    "a path that is no path": lambda refs, s: path_of(refs, "tas/0.0.0", "https://example.org" + s[0]),
    "a file that is no source": a_stranger,
    "a variable dropped": lambda refs, _: drop(refs, "tas"),
    "a coordinate dropped": lambda refs, _: drop(refs, "lat"),
    "a fixed field dropped": lambda refs, _: drop(refs, "orog"),
    "a variable added": lambda refs, _: refs.update({f"new/{k.split('/')[1]}": v for k, v in refs.items() if k.startswith("lat/")}),
    "a dimension shorter": lambda refs, _: resize(refs, 10),
    "a file left off the end": lambda refs, _: resize(refs, 8),
    "a dimension longer": lambda refs, _: resize(refs, 14),
    "one variable longer": lambda refs, _: resize(refs, 14, only="tas"),
    "one variable shorter": lambda refs, _: resize(refs, 10, only="tas"),
    "another type of the same size": lambda refs, _: metadata(refs, "tas/.zarray", dtype="<i4", fill_value=None),
    "a wider type": lambda refs, _: metadata(refs, "tas/.zarray", dtype="<f8"),
    "unsigned instead of signed": lambda refs, _: metadata(refs, "pr/.zarray", dtype="<u2", fill_value=None),
    "the other byte order": lambda refs, _: metadata(refs, "tas/.zarray", dtype=">f4"),
    "columns instead of rows": lambda refs, _: metadata(refs, "tas/.zarray", order="F"),
    "a codec too few": lambda refs, _: metadata(refs, "time/.zarray", compressor={"id": "zlib", "level": 1}),
    "dimensions renamed": lambda refs, _: metadata(refs, "orog/.zattrs", _ARRAY_DIMENSIONS=["y", "lon"]),
    "another chunk shape": lambda refs, _: metadata(refs, "tas/.zarray", chunks=[4, 10, 14]),
    "another scale_factor": lambda refs, _: metadata(refs, "pr/.zattrs", scale_factor=0.25),
    "another add_offset": lambda refs, _: metadata(refs, "pr/.zattrs", add_offset=11.0),
    "no scale_factor": lambda refs, _: metadata(refs, "pr/.zattrs", scale_factor=None),
    "a scale_factor where there was none": lambda refs, _: metadata(refs, "tas/.zattrs", scale_factor=2.0),
    "_Unsigned where there was none": lambda refs, _: metadata(refs, "pr/.zattrs", _Unsigned="true"),
    "other units": lambda refs, _: metadata(refs, "tas/.zattrs", units="degC"),
    "no units": lambda refs, _: metadata(refs, "tas/.zattrs", units=None),
    "other units of time": lambda refs, _: metadata(refs, "time/.zattrs", units="days since 2000-01-02"),
    "hours instead of days": lambda refs, _: metadata(refs, "time/.zattrs", units="hours since 2000-01-01"),
    "no units of time": lambda refs, _: metadata(refs, "time/.zattrs", units=None),
    "another calendar": lambda refs, _: metadata(refs, "time/.zattrs", calendar="360_day"),
    "values masked by _FillValue": lambda refs, _: masked(refs, "orog", 5.0),
    "values masked by missing_value": lambda refs, _: metadata(refs, "orog/.zattrs", missing_value=5.0),
    "missing values no longer masked": lambda refs, _: unmask(refs),
    "values of time changed": lambda refs, _: one_chunk_of_time(refs, TIME + (TIME == 5) * 0.5),
    "times in another order": lambda refs, _: one_chunk_of_time(refs, TIME[::-1].copy()),
    "an inline chunk of wrong values": inline_wrongly,
    "a bit of an inline chunk flipped": lambda refs, _: flip(refs, "time/0"),
    "the only auxiliary coordinate no coordinate": lambda refs, _: metadata(refs, "tas/.zattrs", coordinates=None),
    "a variable made a coordinate": lambda refs, _: metadata(refs, "tas/.zattrs", coordinates="area orog"),
    "other meanings of flags": lambda refs, _: metadata(refs, "flag/.zattrs", flag_meanings="bad doubtful good"),
    "other values of flags": lambda refs, _: metadata(refs, "flag/.zattrs", flag_values=[0, 2, 1]),
    "another pole": lambda refs, _: metadata(refs, "rotated_pole/.zattrs", grid_north_pole_latitude=42.5),
    "no grid mapping": lambda refs, _: metadata(refs, "tas/.zattrs", grid_mapping=None),
    "another sign": lambda refs, _: metadata(refs, "tas/.zattrs", positive="down"),
    "another quantity": lambda refs, _: metadata(refs, "tas/.zattrs", standard_name="surface_temperature"),
    "another statistic": lambda refs, _: metadata(refs, "tas/.zattrs", cell_methods="time: maximum"),
    "zeros masked": lambda refs, _: metadata(refs, "flag/.zarray", fill_value=0),
    "a value that never occurs masked": lambda refs, _: metadata(refs, "flag/.zarray", fill_value=-5),
    "a source missing and another there twice": one_file_twice,
    "sources in another order": files_in_another_order,
}

HARMLESS: dict[str, Damage] = {
    "a global attribute": lambda refs, _: metadata(refs, ".zattrs", title="another title"),
    "a global attribute gone": lambda refs, _: metadata(refs, ".zattrs", institution=None),
    "a variable's attribute": lambda refs, _: metadata(refs, "tas/.zattrs", long_name="another name"),
    "file:// before all paths": lambda refs, _: [
        path_of(refs, key, f"file://{value[0]}") for key, value in refs.items() if type(value) is list
    ],
}
