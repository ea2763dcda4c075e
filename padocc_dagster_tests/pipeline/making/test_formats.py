"""Every cloud format from its config to its publication: opened with plain xarray it equals the sources."""

import json
from pathlib import Path
from typing import Any

import pystac
import pytest
from pystac.validation import JsonSchemaSTACValidator

from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, make
from padocc_dagster_tests.selection.stac import records

NAMES = {
    "kerchunk": "proj_k1.0/proj_k1.0.json",
    "parquet": "proj_k1.0/proj_k1.0.parquet",
    "zarr": "proj_zr1.0/proj_zr1.0.zarr",
    "CFA": "proj_c1.0/proj_c1.0.nca",
}
ITEM = records.item("an.item", "collection", records.period(0, 12), {"data": {"href": "https://archive.example/a.nc"}})
RECORDS = {"catalogue": "/c", "items": 1, "digest": "d", "publish_item": True}
SELECTED = {"records": RECORDS, "item": json.dumps({**ITEM, "stac_version": "1.1.0"})}
CONFIG = {"updates": {"title": "set by the config"}, "removals": ("institution",), **SELECTED}


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


def test_the_published_item_is_valid_and_opens_the_product_and_the_report(published: tuple[Made, str]) -> None:
    import xarray

    made, cloud_format = published
    product = made.workdir.completed / "grp" / NAMES[cloud_format]
    path = product.with_name(f"{product.stem}_item.json")
    item = pystac.Item.from_file(str(path))
    JsonSchemaSTACValidator().validate_core(json.loads(path.read_text()), pystac.STACObjectType.ITEM, pystac.get_stac_version())
    (asset,) = [asset for asset in item.assets.values() if "xarray:open_kwargs" in asset.extra_fields]
    assert Path(asset.get_absolute_href()) == product
    with xarray.open_dataset(asset.get_absolute_href(), **asset.extra_fields["xarray:open_kwargs"]) as opened_by_item:
        with opened(product, cloud_format) as plainly:
            assert opened_by_item.identical(plainly)
    assert json.loads(Path(item.assets["padocc_report"].get_absolute_href()).read_text())["project"] == "grp:proj"
    assert (item.id, item.properties["aggregation_status"], item.assets["data"].href) == ("an.item", "OK", "https://archive.example/a.nc")


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
