"""The attribute `_Unsigned`, given back to a Zarr store.

xarray drops it when it writes a variable that declares no missing value (`xarray/coding/variables.py`, `CFMaskCoder.encode`), so that bytes
above 127 read as negative numbers.
"""

from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.product import Product


def restore_unsigned(product: Product, first_source: str) -> None:
    """Set the attribute as the source file does, for the store's whole numbers that lost it."""
    import netCDF4

    with netCDF4.Dataset(first_source) as dataset:
        declared = {name: str(variable._Unsigned) for name, variable in dataset.variables.items() if "_Unsigned" in variable.ncattrs()}
    if not declared:
        return
    root = read_json(product.path / "zarr.json")
    copies = (root.get("consolidated_metadata") or {}).get("metadata") or {}
    for name, value in declared.items():
        path = product.path / name / "zarr.json"
        if not path.exists():
            continue
        array = read_json(path)
        for metadata in [array, *([copies[name]] if name in copies else [])]:
            if str(metadata["data_type"]).startswith("int"):
                metadata["attributes"] = {**(metadata.get("attributes") or {}), "_Unsigned": value}
        write_json(path, array)
    write_json(product.path / "zarr.json", root)
