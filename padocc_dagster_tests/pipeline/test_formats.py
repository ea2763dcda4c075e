"""Every cloud format from its config to its publication: opened with plain xarray it equals the sources."""

from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, make

NAMES = {
    "kerchunk": "proj_k1.0/proj_k1.0.json",
    "parquet": "proj_k1.0/proj_k1.0.parquet",
    "zarr": "proj_zr1.0/proj_zr1.0.zarr",
    "CFA": "proj_c1.0/proj_c1.0.nca",
}
CONFIG = {"updates": {"title": "set by the config"}, "removals": ("institution",)}


@pytest.fixture(scope="module", params=NAMES)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, str]:
    made = make(tmp_path_factory.mktemp(request.param), Series(lat=12, lon=12), cloud_format=request.param, **CONFIG)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    made.through("validate", "publish")
    return made, request.param


def opened(path: Path, cloud_format: str) -> Any:
    import xarray

    return xarray.open_dataset(str(path), engine={"zarr": "zarr", "CFA": "CFA"}.get(cloud_format, "kerchunk"))


def test_the_published_product_equals_its_sources(published: tuple[Made, str]) -> None:
    import xarray

    made, cloud_format = published
    sources = [xarray.open_dataset(path) for path in made.sources]
    with opened(made.workdir.completed / "grp" / NAMES[cloud_format], cloud_format) as product:
        expected = xarray.concat(sources, "time")
        for name in ("tas", "time", "lat", "lon"):
            assert (product[name].values == expected[name].values).all(), name


def test_the_attributes_that_the_config_asks_for_are_applied(published: tuple[Made, str]) -> None:
    made, cloud_format = published
    with opened(made.workdir.completed / "grp" / NAMES[cloud_format], cloud_format) as product:
        assert product.attrs["title"] == "set by the config"
        assert "institution" not in product.attrs


def test_every_phase_has_left_its_row(published: tuple[Made, str]) -> None:
    made, _ = published
    assert [phase for phase, _ in made.statuses] == ["init", "scan", "compute", "validate", "complete"]


def test_links_are_refused_for_all_but_kerchunk(published: tuple[Made, str]) -> None:
    made, cloud_format = published
    outcome = made.run("publish", links={str(made.root): "https://x.example"})
    if cloud_format == "kerchunk":
        assert outcome.verdict is Verdict.OK
    else:
        assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "ValueError")
        assert "kerchunk JSON only" in outcome.message
