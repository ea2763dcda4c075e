"""A product that differs from its sources is shown beside them: rows that name what differs, and pictures of the values."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from padocc_dagster.pipeline.comparison.encoding import encoding_of
from padocc_dagster.pipeline.depiction import depiction
from padocc_dagster.pipeline.depiction.depict import MOST_BYTES, PICTURES, depict
from padocc_dagster.pipeline.depiction.picture import MOST_BYTES as MOST_BYTES_OF_ONE
from padocc_dagster.pipeline.depiction.picture import PIXELS, drawn, reduced
from padocc_dagster.pipeline.depiction.slices import Slice, differing_slice
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster_tests.make_netcdf import Series, cut_short
from padocc_dagster_tests.make_products import make as make_product
from padocc_dagster_tests.make_products import stack
from padocc_dagster_tests.pipeline import damage
from padocc_dagster_tests.pipeline.projects import Made, choose, copy, make


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make(tmp_path_factory.mktemp("depicted"), Series(lat=12, lon=14, packed=True, orog=True, characters=True, meaning=True))
    made.through("scan", "compute")
    return made


@pytest.fixture
def damaged(computed: Made, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Depict a copy of the project whose references were changed."""

    def damaged(change: Callable[[damage.Refs], Any], names: list[str] = [], compare: bool = True) -> dict[str, Any]:  # noqa: B006
        made = copy(computed, tmp_path / "copy")
        content = json.loads(made.product.read_text())
        change(content["refs"])
        made.product.write_text(json.dumps(content))
        if compare:
            made.verified()
        return depict(str(made.workdir.root), str(made.project), names)

    return damaged


def panels(png: str) -> list[np.ndarray]:
    """The three panels of a picture: the thirds of its pixels, below the title."""
    import io

    from matplotlib.image import imread

    content = base64.b64decode(png)
    assert content.startswith(b"\x89PNG")
    pixels = imread(io.BytesIO(content))[..., :3]
    width = pixels.shape[1] // 3
    return [pixels[25:, i * width : (i + 1) * width] for i in range(3)]


def rows_of(found: dict[str, Any], part: str) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["sources"], row["product"]) for row in found["rows"] if row["part"] == part}


def test_a_product_that_equals_its_sources_has_no_rows_and_no_pictures(damaged: Callable[..., dict[str, Any]]) -> None:
    assert damaged(lambda refs: None) == {"rows": [], "pictures": []}


def test_a_variable_asked_for_is_pictured_even_where_nothing_differs(damaged: Callable[..., dict[str, Any]]) -> None:
    found = damaged(lambda refs: None, ["tas"])
    assert found["rows"] == []
    (picture,) = found["pictures"]
    assert picture["name"] == "tas" and picture["caption"].endswith("no difference")


def test_a_damaged_variable_is_named_and_pictured_unlike_an_undamaged_one(damaged: Callable[..., dict[str, Any]]) -> None:
    good = damaged(lambda refs: None, ["tas"])["pictures"][0]["png"]
    found = damaged(lambda refs: damage.swap(refs, "tas/0.0.0", "tas/1.0.0"))
    assert set(rows_of(found, "values")) == {"tas"}
    assert "values differ" in rows_of(found, "values")["tas"][1]
    (picture,) = found["pictures"]
    assert picture["caption"] == "tas in f_000.nc, time 0"
    before, after = panels(good), panels(picture["png"])
    colours = [len(np.unique(panel.reshape(-1, 3).round(3), axis=0)) for panel in after]
    assert min(colours) > 30  # three fields, none of one colour
    assert not np.allclose(after[0], after[1])  # source and product are not alike
    assert len(np.unique(before[2].reshape(-1, 3).round(3), axis=0)) != colours[2]  # nor is the difference
    assert not np.array_equal(before[2], after[2])


def test_the_slice_shown_is_the_one_that_differs_most(damaged: Callable[..., dict[str, Any]]) -> None:
    found = damaged(lambda refs: damage.drop_chunks(refs, "time"))
    assert rows_of(found, "values").keys() == {"time"}
    found = damaged(lambda refs: refs.pop("tas/5.0.0"))  # the last two steps of the last file
    assert found["pictures"][0]["caption"] == "tas in f_002.nc, time 2"


def test_a_coordinate_is_drawn_as_lines(damaged: Callable[..., dict[str, Any]]) -> None:
    found = damaged(lambda refs: damage.one_chunk_of_time(refs, damage.TIME + (damage.TIME == 5) * 0.5))
    assert found["pictures"][0]["name"] == "time" and "f_001.nc" in found["pictures"][0]["caption"]
    assert len(panels(found["pictures"][0]["png"])) == 3


def test_values_missing_on_one_side_are_seen(damaged: Callable[..., dict[str, Any]]) -> None:
    found = damaged(damage.unmask)
    assert rows_of(found, "missing values")["pr"] == ("[-999]", "—")
    third = panels(found["pictures"][0]["png"])[2]
    magenta = (np.abs(third - np.array([0xD4, 0, 0xD4]) / 255) < 0.02).all(axis=-1)
    assert magenta.sum() > 100


@pytest.mark.parametrize(
    ("change", "part", "name", "shown"),
    [
        (lambda refs: damage.drop(refs, "orog"), "variable", "orog", ("(lat, lon)", "—")),
        (lambda refs: damage.metadata(refs, ".zattrs", title="other"), "global attribute", "title", ("a small series", "other")),
        (lambda refs: damage.metadata(refs, "tas/.zattrs", units="degC"), "attribute of tas", "units", ("K", "degC")),
        (lambda refs: damage.metadata(refs, "pr/.zattrs", scale_factor=0.25), "packing", "pr", ("* 0.5 + 10", "* 0.25 + 10")),
        (lambda refs: damage.metadata(refs, "tas/.zarray", dtype="<i4", fill_value=None), "type", "tas", ("float32", "int32")),
        (lambda refs: damage.metadata(refs, "orog/.zattrs", _ARRAY_DIMENSIONS=["y", "x"]), "variable", "orog", ("(lat, lon)", "(y, x)")),
        (lambda refs: damage.resize(refs, 10), "dimension", "time", ("12", "10")),
    ],
    ids=["variable", "global attribute", "attribute", "packing", "type", "dimensions", "length"],
)
def test_rows_say_what_differs(
    damaged: Callable[..., dict[str, Any]], change: Callable[[damage.Refs], Any], part: str, name: str, shown: tuple[str, str]
) -> None:
    assert rows_of(damaged(change), part)[name] == shown


def test_what_the_config_asks_for_is_no_difference(computed: Made, tmp_path: Path) -> None:
    made = copy(computed, tmp_path)
    path = made.workdir.spec(made.project)
    content = json.loads(made.product.read_text())
    damage.metadata(content["refs"], ".zattrs", title="asked for")
    made.product.write_text(json.dumps(content))
    assert rows_of(depict(str(made.workdir.root), str(made.project), []), "global attribute").keys() == {"title"}
    write_json(path, {**read_json(path), "updates": {"title": "asked for"}})
    assert depict(str(made.workdir.root), str(made.project), [])["rows"] == []


@pytest.mark.parametrize("harm", sorted(damage.KERCHUNK))
def test_no_damage_ends_in_an_exception_or_in_more_than_was_allowed(computed: Made, tmp_path: Path, harm: str) -> None:
    made = copy(computed, tmp_path)
    content = json.loads(made.product.read_text())
    damage.KERCHUNK[harm](content["refs"], tuple(map(str, made.sources)))
    made.product.write_text(json.dumps(content))
    found = depict(str(made.workdir.root), str(made.project), ["tas"])
    assert json.loads(json.dumps(found)) == found
    assert len(found["pictures"]) <= PICTURES
    assert sum(len(picture["png"]) for picture in found["pictures"]) <= MOST_BYTES


@pytest.mark.parametrize(
    "harm",
    [
        lambda made: made.product.unlink(),
        lambda made: made.product.write_text("{"),
        lambda made: made.sources[0].unlink(),
        lambda made: cut_short(made.sources[1]),
        lambda made: made.workdir.allfiles(made.project).unlink(),
        lambda made: made.workdir.base_cfg(made.project).write_text("{}"),
    ],
    ids=["no product", "half a product", "no source", "half a source", "no list", "no config"],
)
def test_what_cannot_be_opened_is_a_row(computed: Made, tmp_path: Path, harm: Callable[[Made], Any]) -> None:
    made = copy(computed, tmp_path)
    harm(made)
    (row,) = depict(str(made.workdir.root), str(made.project), [])["rows"]
    assert row["part"] == "product" and "cannot be held against its sources" in row["product"]


def test_the_dimension_that_padocc_makes_up_to_stack_files_is_no_difference(computed: Made, tmp_path: Path) -> None:
    import netCDF4

    made = copy(computed, tmp_path)
    for number, path in enumerate(made.sources):
        with netCDF4.Dataset(path, "w") as dataset:
            dataset.createDimension("x", 50)
            dataset.createVariable("x", "f4", ("x",))[:] = np.arange(50)
            dataset.createVariable("v", "f4", ("x",))[:] = np.arange(50) + number
    stack(tuple(map(str, made.sources)), made.product)
    assert depict(str(made.workdir.root), str(made.project), [])["rows"] == []
    content = json.loads(made.product.read_text())
    damage.swap(content["refs"], "v/0.0", "v/1.0")
    made.product.write_text(json.dumps(content))
    assert rows_of(depict(str(made.workdir.root), str(made.project), []), "values").keys() == {"v"}


@pytest.mark.parametrize("kind", ["zarr", "parquet"])
def test_other_formats_are_shown_too(computed: Made, tmp_path: Path, kind: str) -> None:
    made = copy(computed, tmp_path)
    base = read_json(made.workdir.base_cfg(made.project))
    base["override"] = {"cloud_type": "zarr" if kind == "zarr" else "kerchunk", "file_type": None}
    choose(made, cloud_format=kind)
    write_json(made.workdir.base_cfg(made.project), base)
    sources = tuple(map(str, made.sources))
    make_product(kind, (sources[1], sources[0], sources[2]), made.folder)
    found = depict(str(made.workdir.root), str(made.project), ["tas"])
    assert {"time", "tas", "pr"} <= rows_of(found, "values").keys()
    assert [picture["name"] for picture in found["pictures"]][0] == "tas"


def test_a_worker_that_cannot_answer_is_a_row(computed: Made, tmp_path: Path) -> None:
    made = copy(computed, tmp_path)
    found = depiction(made.workdir, made.project._replace(code="../x"))
    assert "cannot be shown" in found.rows[0]["product"] and found.pictures == ()


F4 = encoding_of("f4", {})


def slice_of(source: np.ndarray, product: np.ndarray) -> Slice:
    return Slice(source, product, ("lat", "lon")[: source.ndim], "", "")


@pytest.mark.parametrize(
    "values",
    [
        np.full((30, 30), np.nan),
        np.array(3.0),
        np.array([np.nan]),
        np.full((3, 4), np.inf),
        np.where(np.eye(5) > 0, -np.inf, 1e38),
        np.zeros((1, 1)),
        np.full(5000, 1e300),
    ],
    ids=["all missing", "one number", "one missing", "infinite", "huge", "one pixel", "a long line"],
)
def test_odd_values_are_drawn(values: np.ndarray) -> None:
    other = np.where(np.isnan(values), 1.0, np.nan)
    for pair in ((values, values), (values, other), (other, values)):
        assert base64.b64decode(drawn("odd $values_{ [x]", slice_of(*pair))).startswith(b"\x89PNG")


def test_a_large_field_of_noise_makes_a_small_picture(record_property: Callable[[str, str], None]) -> None:
    random = np.random.default_rng(0)
    png = drawn("noise", slice_of(random.random((1500, 3000)), random.random((1500, 3000))))
    record_property("figure", f"picture of a field of 1500 x 3000: {len(png) // 1000} kB")
    assert len(png) <= MOST_BYTES_OF_ONE * 4 // 3 + 4


def test_one_damaged_value_of_millions_is_not_averaged_away() -> None:
    difference = np.zeros((1501, 2999))
    difference[1234, 567] = -5.0
    small = reduced(difference, PIXELS, strongest=True)
    assert max(small.shape) <= PIXELS and small.min() == -5.0 and small.max() == 0.0


def test_the_block_that_differs_is_found_and_none_where_all_are_alike() -> None:
    values = np.zeros((3, 5), "f4")
    other = values.copy()
    other[2, 3] = np.nan
    assert differing_slice(values.__getitem__, values.__getitem__, (3, 5), ("a", "b"), (F4, F4), 4) is None
    found = differing_slice(values.__getitem__, other.__getitem__, (3, 5), ("a", "b"), (F4, F4), 4)
    assert found is not None and found.dimensions == ("a", "b") and np.isnan(found.product[2, 3])
