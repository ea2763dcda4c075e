"""The chunk of a variable without dimensions is where readers look for it, whatever version of VirtualiZarr wrote it."""

from pathlib import Path

import netCDF4
import pytest

from padocc_dagster.pipeline.making.references import name_scalar_chunks
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec


def test_a_chunk_without_a_name_gets_that_of_the_only_one() -> None:
    references = {"height/": ["f.nc", 0, 8], "tas/0.0.0": ["f.nc", 8, 8], "height/.zarray": "{}"}
    name_scalar_chunks(references)
    assert references == {"height/0": ["f.nc", 0, 8], "tas/0.0.0": ["f.nc", 8, 8], "height/.zarray": "{}"}


@pytest.mark.parametrize("cloud_format", ["kerchunk", "parquet"])
def test_a_scalar_coordinate_keeps_its_value(tmp_path: Path, cloud_format: str) -> None:
    import xarray

    made = Made(tmp_path, Project("grp", "proj"))
    for path in write(tmp_path / "sources", Series(lat=12, lon=12)):
        with netCDF4.Dataset(path, "a") as dataset:
            dataset.createVariable("height", "f8", ()).units = "m"
            dataset["height"][...] = 2.5
    initialised(made.workdir, "grp", spec("proj", made.sources, cloud_format=cloud_format))
    outcome = made.through("scan", "compute")
    assert outcome.details["aggregator"] == "V"
    if cloud_format == "kerchunk":
        assert "height/0" in read_json(made.product)["refs"]
    with xarray.open_dataset(outcome.details["product"], engine="kerchunk") as product:
        assert float(product.height) == 2.5
    assert made.verified()["problems"] == []
