"""Extents and small pictures of published products, read from their sources."""

import base64
import io
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from padocc_dagster.pipeline.board import add_portraits
from padocc_dagster.pipeline.board.portraits import MOST_BYTES, PIXELS, Portrait, portraits, portray
from padocc_dagster.pipeline.workdir.files import append_text
from padocc_dagster.pipeline.workdir.published import published_in
from padocc_dagster_tests.make_netcdf import Series, cut_short
from padocc_dagster_tests.pipeline.projects import Made, make

NAME = "proj_k1.0"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return published(make(tmp_path, Series(lat=120, lon=150, packed=True, bounds=True)))


def published(made: Made) -> Made:
    product = made.workdir.completed / made.project.group / NAME / f"{NAME}.json"
    product.parent.mkdir(parents=True)
    product.write_text("{}")
    return made


def portrayed(made: Made) -> Portrait:
    assert portray(str(made.workdir.root), made.project.group, 60.0) == 1
    return portraits(made.workdir, made.project.group)[NAME]


def test_a_product_has_its_extent_and_a_small_picture_of_a_field(made: Made) -> None:
    from matplotlib.image import imread

    found = portrayed(made)
    assert found.boxes == ((-60.0, -60.0, 60.0, 60.0),) and found.caption == "tas"
    content = base64.b64decode(found.png)
    assert len(content) <= MOST_BYTES and max(imread(io.BytesIO(content)).shape[:2]) <= PIXELS


def test_north_is_up_however_the_latitudes_run(tmp_path: Path) -> None:
    from matplotlib.image import imread

    tops = []
    for step in (1, -1):
        made = published(make(tmp_path / str(step), Series(lat=20, lon=20)))
        with netCDF4.Dataset(made.sources[0], "a") as dataset:
            dataset["lat"][:] = dataset["lat"][:][::step]
            dataset["tas"][:] = np.broadcast_to(np.arange(20.0)[::step, np.newaxis], dataset["tas"].shape)
        pixels = imread(io.BytesIO(base64.b64decode(portrayed(made).png)))[..., :3]
        tops.append(pixels[0].sum() - pixels[-1].sum())
    assert tops[0] > 0 and tops[0] == tops[1]


def test_each_product_is_looked_at_once(made: Made) -> None:
    portrayed(made)
    assert portray(str(made.workdir.root), made.project.group, 60.0) == 0
    add_portraits(made.workdir, made.project.group, published_in(made.workdir, made.project.group))
    assert len(made.workdir.portraits(made.project.group).read_text().splitlines()) == 2


def test_sources_that_cannot_be_read_have_no_portrait_and_are_left_alone_from_then_on(made: Made) -> None:
    cut_short(made.sources[0], 0.1)
    assert portrayed(made) == Portrait(NAME)
    assert portray(str(made.workdir.root), made.project.group, 60.0) == 0


def test_without_coordinates_in_degrees_there_is_a_picture_and_no_extent(made: Made) -> None:
    with netCDF4.Dataset(made.sources[0], "a") as dataset:
        dataset["lat"].units = "m"
    found = portrayed(made)
    assert found.boxes == () and found.png


def test_no_more_are_made_than_there_is_time_for(made: Made) -> None:
    assert portray(str(made.workdir.root), made.project.group, -1.0) == 0


def test_a_worker_makes_them_and_the_file_can_be_deleted(made: Made) -> None:
    group, products = made.project.group, published_in(made.workdir, made.project.group)
    add_portraits(made.workdir, group, products)
    first = portraits(made.workdir, group)
    made.workdir.portraits(group).unlink()
    append_text(made.workdir.portraits(group), "what a killed worker left")
    add_portraits(made.workdir, group, products)
    assert portraits(made.workdir, group) == first and first[NAME].png
