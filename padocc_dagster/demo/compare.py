"""Opens the demo's published products with plain xarray and compares every element with the source files.

A kerchunk product points at the sources' own bytes, so the stored values are compared, without decoding. A Zarr product was
written anew and may store them otherwise, so the decoded values are. Knows nothing of this package's own comparison.
`python -m padocc_dagster.demo.compare FOLDER` prints a line for each product and ends with status 0 only if all are equal.
"""

import sys
from pathlib import Path
from typing import Any

PUBLISHED = {
    "a1b": "demo/a1b_k1.0/a1b_k1.0.json",
    "e1": "selected/e1_k1.0/e1_k1.0_item.json",
    "ostia": "demo/ostia_zr1.0/ostia_zr1.0.zarr",
}
"""By code; e1 is opened through the STAC item that is published with it."""
DECODED = {"decode_timedelta": False}
STORED = {**DECODED, "decode_times": False, "mask_and_scale": False}


def published(folder: Path, code: str) -> Path:
    """Where the demo's product of that project is published; the address of its item's asset, where it has one."""
    path = folder / "workdir" / "completed" / PUBLISHED[code]
    if not path.name.endswith("_item.json"):
        return path
    import pystac

    return Path(pystac.Item.from_file(str(path)).assets["reference_file"].get_absolute_href() or "")


def differences(product: Any, source: Any) -> list[str]:
    """What differs between two datasets: names, dimensions, and each variable's elements (NaN equal to NaN)."""
    found = [f"{name} is in one of the two only" for name in sorted(set(product.variables) ^ set(source.variables))]
    for name in sorted(set(product.variables) & set(source.variables)):
        ours, theirs = product.variables[name], source.variables[name]
        if (ours.dims, ours.shape) != (theirs.dims, theirs.shape):
            found.append(f"{name} has {dict(ours.sizes)}, the source files have {dict(theirs.sizes)}")
        elif not ours.equals(theirs):
            found.append(f"{name} has other values than the source files")
    return found


def compare(folder: Path, code: str) -> tuple[list[str], str]:
    """The differences between a product and its source files put one after another by time, and what was compared."""
    import xarray

    path = published(folder, code)
    engine = "zarr" if path.suffix == ".zarr" else "kerchunk"
    options: dict[str, Any] = DECODED if engine == "zarr" else STORED
    files = sorted((folder / "source" / code).glob("*.nc"))
    parts = sorted((xarray.open_dataset(file, **options).load() for file in files), key=lambda part: part["time"].values[0])
    source = xarray.concat(parts, "time", data_vars="minimal", coords="minimal", compat="equals", join="exact")
    with xarray.open_dataset(str(path), engine=engine, **options) as product:
        kind = "decoded" if engine == "zarr" else "stored"
        elements = sum(variable.size for variable in product.variables.values())
        what = f"{elements} {kind} values of {len(product.variables)} variables, {len(files)} source files"
        return differences(product.load(), source), what


def main(folder: Path) -> int:
    failed = 0
    for code in PUBLISHED:
        try:
            found, what = compare(folder, code)
        except Exception as error:  # whatever a reader may raise is a product that cannot be read
            found, what = [f"cannot be compared: {type(error).__name__}: {error}"], "nothing"
        failed += bool(found)
        print(f"{code}: {'; '.join(found) or 'equal to its source files'} ({what} compared)")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
