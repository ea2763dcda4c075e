"""Files that are not alike: with other chunks, of which a Zarr store can be made, or with a variable of their own, which can be
left out."""

from pathlib import Path

import netCDF4
import pytest

from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

CODE = "proj"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Four files, one of them with other chunks."""
    made = Made(tmp_path.resolve())
    write(made.root / "sources", Series(lengths=(4, 4, 4, 4), lat=12, lon=12))
    odd = made.root / "sources" / "f_001.nc"
    rewrite(odd, made.root / "odd.nc", {"tas": (4, 6, 6)})
    (made.root / "odd.nc").rename(odd)
    return made


def rewrite(source: Path, target: Path, chunks: dict[str, tuple[int, ...]]) -> None:
    """The same file with other chunks."""
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(target, "w") as new:
        new.setncatts(old.__dict__)
        for name, dimension in old.dimensions.items():
            new.createDimension(name, None if dimension.isunlimited() else len(dimension))
        for name, variable in old.variables.items():
            made = new.createVariable(name, variable.dtype, variable.dimensions, chunksizes=chunks.get(name))
            made.setncatts(variable.__dict__)
            made[:] = variable[:]


@pytest.mark.parametrize("asked", ["at once", "by an edit after the failure"])
def test_a_zarr_store_is_made_and_equals_its_sources(made: Made, asked: str) -> None:
    formats = ["zarr"] if asked == "at once" else ["kerchunk", "zarr"]
    for cloud_format in formats:
        initialised(made.workdir, made.project.group, spec(CODE, made.sources, cloud_format=cloud_format), again=True)
        scanned = made.run("scan")
        assert scanned.passed == (cloud_format == "zarr"), scanned
    assert scanned.verdict is Verdict.WARNED and scanned.status.startswith("Warn-no trial: ")
    made.through("compute")
    assert made.verified()["problems"] == []
    made.through("validate", "publish")


def test_a_variable_that_only_the_last_file_has_can_be_dropped(tmp_path: Path) -> None:
    made = Made(tmp_path.resolve())
    write(made.root / "sources", Series(lengths=(4, 4, 4), lat=12, lon=12, later_variable=True))
    initialised(made.workdir, made.project.group, spec(CODE, made.sources, dropped=("extra",)))
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
