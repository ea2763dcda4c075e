"""The demo's folder: real source files from the package `iris-sample-data`, and two group configs: one names files, one selects records.

    source/<project>/*.nc    ten files each of a1b and e1, six of ostia, the three of nemo, four of damaged
    source/catalogue/        a static STAC catalogue, which has a record for each file of e1
    workdir/                 the PADOCC working directory, empty at first
    demo.yaml                the group config of all but e1
    selected.yaml            that of e1: the catalogue's records

The names of a1b's and e1's files sort as 1, 10, 2, …: not by time, as in many an archive.
"""

import shutil
from pathlib import Path
from typing import Any

from padocc_dagster.demo.catalogue import write_catalogue
from padocc_dagster.pipeline.workdir.layout import Project

MARKER = ".padocc-dagster-demo"
GROUP, SELECTED_GROUP = "demo", "selected"
SELECTED = "e1"
TITLES = {
    "a1b": "Air temperature over North America, 1860 to 2099, scenario A1B",
    "e1": "Air temperature over North America, 1860 to 2099, scenario E1",
    "ostia": "Sea surface temperature, OSTIA monthly means",
    "nemo": "NEMO, monthly means on the ocean grid",
    "damaged": "Four files, two of them damaged",
}
PROJECTS = {code: Project(SELECTED_GROUP if code == SELECTED else GROUP, code) for code in TITLES}
JUNK = b"\0not a NetCDF file\n" * 64


class DemoError(Exception):
    """The demo cannot be made here. The message says what to do."""


def make_folder(folder: Path) -> list[Path]:
    """Make the demo's folder anew and return the paths of its group configs. Takes about 4 s and 30 MB.

    Raises DemoError when the folder holds something that the demo did not make, or the sample data are not installed.
    """
    import yaml

    samples = _samples()
    remove_folder(folder)
    source = folder / "source"
    source.mkdir(parents=True)
    (folder / MARKER).write_text("padocc-dagster demo made this folder and may remove it\n")
    _cut(samples / "A1B_north_america.nc", source / "a1b", length=24)
    _cut(samples / "E1_north_america.nc", source / "e1", length=24)
    _cut(samples / "ostia_monthly.nc", source / "ostia", length=9)
    shutil.copytree(samples / "NEMO", source / "nemo")
    _damage(source / "a1b", source / "damaged")
    files = sorted((source / SELECTED).iterdir())
    catalogue = write_catalogue(source / "catalogue", files, SELECTED, TITLES[SELECTED])
    configs = {GROUP: _naming(source), SELECTED_GROUP: _selecting(catalogue)}
    for group, config in configs.items():
        (folder / f"{group}.yaml").write_text(yaml.safe_dump({"group": group, **config}, sort_keys=False, width=200), encoding="utf-8")
    return [folder / f"{group}.yaml" for group in configs]


def remove_folder(folder: Path) -> None:
    """Remove a folder that the demo made, if there is one. Raises DemoError for any other that is not empty."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise DemoError(f"{folder} is not a folder: choose another with --directory")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARKER).is_file():
        raise DemoError(f"{folder} has files that the demo did not make: choose another with --directory")
    shutil.rmtree(folder)


def _samples() -> Path:
    try:
        import iris_sample_data
    except ImportError:
        raise DemoError("the demo's data come from the package iris-sample-data: pip install 'padocc-dagster[demo]'") from None
    return Path(iris_sample_data.path)


def _cut(path: Path, folder: Path, length: int) -> None:
    """Cut a file along time into files of so many steps, numbered from 1, each value and its encoding as it was."""
    import xarray

    folder.mkdir()
    with xarray.open_dataset(path, decode_times=False, mask_and_scale=False) as whole:
        for number, start in enumerate(range(0, whole.sizes["time"], length), start=1):
            whole.isel(time=slice(start, start + length)).to_netcdf(folder / f"{folder.name}_{number}.nc")


def _damage(good: Path, folder: Path) -> None:
    """Copy the first four files; cut the second off in the middle and overwrite the beginning of the third."""
    folder.mkdir()
    for number in range(1, 5):
        shutil.copyfile(good / f"{good.name}_{number}.nc", folder / f"damaged_{number}.nc")
    with open(folder / "damaged_2.nc", "r+b") as file:
        file.truncate((folder / "damaged_2.nc").stat().st_size // 2)
    with open(folder / "damaged_3.nc", "r+b") as file:
        file.write(JUNK)


def _naming(source: Path) -> dict[str, Any]:
    """A config that names projects by patterns."""
    codes = [code for code in TITLES if code != SELECTED]
    projects = [{"code": code, "pattern": f"{source / code}/*.nc", "updates": {"title": TITLES[code]}} for code in codes]
    for project in projects:
        if project["code"] == "ostia":
            project["options"] = {"cloud_format": "zarr"}
    return {"projects": projects}


def _selecting(catalogue: Path) -> dict[str, Any]:
    """A config that selects a collection as one project."""
    section = {"catalogue": str(catalogue), "collections": [SELECTED], "projects": "collection", "publish_items": True}
    return {"updates": {"title": TITLES[SELECTED]}, "stac": section}
