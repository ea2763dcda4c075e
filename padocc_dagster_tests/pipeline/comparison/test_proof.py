"""One odd file among many, and damage anywhere: a product passes only if plain xarray sees in it what it sees in every file."""

import json
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padocc_dagster.pipeline.comparison import Request, compare
from padocc_dagster.pipeline.making.references import mend_references
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.make_products import make
from padocc_dagster_tests.pipeline.damage import move, read, swap

STEPS, WIDTH = 2, 150
SHOWN: list[str] = []


@dataclass(frozen=True)
class Form:
    """How one file is written."""

    dtype: str = "f4"
    endian: str = "little"
    zlib: bool = True
    shuffle: bool = True
    level: int = 2
    fletcher32: bool = False
    chunk: int | None = 1
    """Steps of a chunk; None for contiguous values."""
    fill: float | None = None
    scale: float | None = None
    units: str = "K"
    time_units: str = "days since 2000-01-01"
    calendar: str = "standard"
    positive: str | None = None
    written: bool = True
    """Whether the last step was ever written."""


FORMS = st.builds(
    Form,
    dtype=st.sampled_from(["f4", "f8", "i2", "i4", "i8", "u1"]),
    endian=st.sampled_from(["little", "big"]),
    zlib=st.booleans(),
    shuffle=st.booleans(),
    level=st.integers(1, 9),
    chunk=st.sampled_from([1, 2, None]),
    fill=st.sampled_from([None, 7]),
    scale=st.sampled_from([None, 0.5]),
    positive=st.sampled_from([None, "up"]),
)
ODDITIES: dict[str, Any] = {
    "endian": ["little", "big"],
    "zlib": [True, False],
    "shuffle": [True, False],
    "fletcher32": [True],
    "dtype": ["f4", "f8", "i2", "i4"],
    "chunk": [1, 2, None],
    "fill": [None, 7, 8],
    "scale": [None, 0.5, 0.25],
    "units": ["degC"],
    "time_units": ["days since 2000-01-02", "hours since 2000-01-01"],
    "calendar": ["noleap"],
    "positive": [None, "up", "down"],
    "written": [False],
}


def write_file(path: Path, number: int, form: Form) -> None:
    """A file of STEPS steps with `v` along time and x; values are whole numbers from 0 to 119, so that every type holds them."""
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension("time", None if form.chunk else STEPS)
        dataset.createDimension("x", WIDTH)
        time = dataset.createVariable("time", "f8", ("time",))
        time.setncatts({"units": form.time_units, "calendar": form.calendar})
        time[:] = np.arange(STEPS) + STEPS * number
        layout: dict[str, Any] = {"contiguous": True} if form.chunk is None else {"chunksizes": (form.chunk, WIDTH)}
        if form.chunk is not None and form.zlib:
            layout |= {"zlib": True, "shuffle": form.shuffle, "complevel": form.level}
        if form.chunk is not None:
            layout |= {"fletcher32": form.fletcher32}
        variable = dataset.createVariable("v", form.dtype, ("time", "x"), endian=form.endian, fill_value=form.fill, **layout)
        variable.units = form.units
        if form.scale is not None:
            variable.setncatts({"scale_factor": form.scale, "add_offset": 1.0})
        if form.positive is not None:
            variable.positive = form.positive
        variable.set_auto_maskandscale(False)
        steps = STEPS if form.written else STEPS - 1
        variable[:steps] = np.random.default_rng(number).integers(0, 120, (steps, WIDTH))


def wrong(product: Product, sources: tuple[str, ...]) -> str:
    """What plain xarray reads otherwise from the product than from the files; empty when all is alike. Nothing of ours is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = xarray.open_dataset(str(product.path), engine="zarr" if product.cloud_format == "zarr" else "kerchunk")
        except Exception as error:
            return f"the product cannot be opened: {error}"
        with made:
            for number, path in enumerate(sources):
                with xarray.open_dataset(path) as source:
                    found = _unlike(made, source, slice(STEPS * number, STEPS * (number + 1)))
                if found:
                    return f"{found} in {path}"
    return ""


def _unlike(made: xarray.Dataset, source: xarray.Dataset, place: slice) -> str:
    if set(made.coords) != set(source.coords):
        return "coordinates"
    for name, variable in source.variables.items():
        try:
            values = made.variables[name][place].values if "time" in variable.dims else made.variables[name].values
        except Exception as error:
            return f"{name} cannot be read: {error}"
        kinds = {values.dtype.kind, variable.dtype.kind}
        # Files of which one is packed read in two widths, of which a product has one: what counts is that the values are the same.
        if values.dtype != variable.dtype and not (kinds <= set("MO") or kinds == {"f"}):
            return f"type of {name}"
        if values.dtype.kind == "f":
            # What nobody wrote reads as NetCDF's default for missing values, which xarray does not mask in a file.
            ours = np.where(variable.values > 9.9e36, np.nan, variable.values)
            if not np.array_equal(values, ours, equal_nan=True):
                return f"values of {name}"
        elif not np.array_equal(values.astype(str), variable.values.astype(str)):
            return f"values of {name}"
        for attribute in ("units", "positive"):
            if made.variables[name].attrs.get(attribute) != variable.attrs.get(attribute):
                return f"{attribute} of {name}"
    return ""


def made_of(kind: str, sources: tuple[str, ...], folder: Path) -> Product | None:
    """The product, with what the first file declares; None when it cannot be made."""
    try:
        product = make(kind, sources, folder)
    except Exception:
        return None
    if product.cloud_format == "kerchunk":
        mend_references(product.path, sources, {})
    return product


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.data(),
    form=FORMS,
    oddity=st.sampled_from(sorted(ODDITIES)),
    kind=st.sampled_from(["kerchunk-V", "kerchunk-K", "zarr"]),
    files=st.one_of(*[st.integers(3, 8)] * 4, st.integers(9, 300)),
)
def test_a_product_with_one_odd_file_passes_only_if_it_reads_like_its_files(data, form, oddity, kind, files):
    odd = data.draw(st.integers(0, files - 1), label="position of the odd file")
    other = replace(form, **{oddity: data.draw(st.sampled_from(ODDITIES[oddity]), label=oddity)})
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"f_{number:03d}.nc" for number in range(files)]
        for number, path in enumerate(paths):
            write_file(path, number, other if number == odd else form)
        sources = tuple(map(str, paths))
        product = made_of(kind, sources, Path(folder))
        if product is None:
            return
        result = compare(Request(product, sources))
        truth = wrong(product, sources)
        SHOWN.append("passed" if result.passed else "refused")
        assert not (result.passed and truth), f"passed, though plain xarray reads otherwise: {truth}"
        if other == form and kind != "zarr":
            assert result.passed or truth, result.problems
        if not result.passed:
            assert all(len(problem) > 20 for problem in result.problems)


def test_products_with_and_without_odd_files_were_both_seen(record_property):
    """Runs after the test above, in the same process."""
    if not SHOWN:
        pytest.skip("the test above was not asked for")
    record_property("figure", f"one odd file: {SHOWN.count('refused')} products refused, {SHOWN.count('passed')} right ones passed")
    assert SHOWN.count("refused") > 20 and SHOWN.count("passed") > 20


LONG = Series(lengths=(2,) * 150, chunk=1, lat=10, lon=14, packed=True)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, ...], Product]:
    """150 files, and a good product of them."""
    root = tmp_path_factory.mktemp("long")
    sources = write(root / "sources", LONG)
    return sources, make("kerchunk-K", sources, root)


def keys(number: int, name: str = "tas") -> tuple[str, str]:
    """The keys of the two chunks of a file."""
    return f"{name}/{2 * number}.0.0", f"{name}/{2 * number + 1}.0.0"


def shuffled_size(refs: dict[str, Any], number: int) -> None:
    array = read(refs, "tas/.zarray")
    refs["tas/.zarray"] = json.dumps({**array, "filters": [{"id": "shuffle", "elementsize": 2}, *(array["filters"] or [])]})


OUTSIDE_A_SAMPLE = {
    "another offset in the right file": lambda refs, n: move(refs, keys(n)[0], offset=560),
    "an offset of 4 more": lambda refs, n: move(refs, keys(n)[0], offset=4),
    "an offset of 8": lambda refs, n: refs.update({keys(n)[0]: [refs[keys(n)[0]][0], 8, refs[keys(n)[0]][2]]}),
    "4 bytes fewer": lambda refs, n: move(refs, keys(n)[0], length=-4),
    "4 bytes more": lambda refs, n: move(refs, keys(n)[0], length=4),
    "two variables exchanged": lambda refs, n: swap(refs, keys(n)[0], keys(n, "pr")[0]),
    "two chunks of one file exchanged": lambda refs, n: swap(refs, *keys(n)),
    "a chunk twice": lambda refs, n: refs.update({keys(n)[0]: refs[keys(n)[1]]}),
    "a chunk of the next file": lambda refs, n: refs.update({keys(n)[0]: refs[keys((n + 1) % 150)[0]]}),
    "a chunk gone": lambda refs, n: refs.pop(keys(n)[0]),
    "a filter that no file has": shuffled_size,
}


@pytest.mark.parametrize("position", [0, 1, 74, 149])
@pytest.mark.parametrize("name", OUTSIDE_A_SAMPLE)
def test_damage_is_found_at_every_position(long, tmp_path, name, position):
    sources, product = long
    content = json.loads(product.path.read_text())
    OUTSIDE_A_SAMPLE[name](content["refs"], position)
    path = tmp_path / "k1.0a.json"
    path.write_text(json.dumps(content))
    result = compare(Request(Product(path, "kerchunk", "1.0"), sources))
    assert not result.passed
    assert "tas" in result.variables_at_fault


def test_the_undamaged_product_is_proved_in_every_file(long):
    sources, product = long
    result = compare(Request(product, sources))
    assert result.problems == ()
    assert (result.files_proved, result.files_total) == (150, 150)
    assert "150 of 150 files" in result.sampling


def flipped(store: Path, chunk: str) -> None:
    path = store / "tas" / "c" / chunk / "0" / "0"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", ["a bit flipped", "the neighbour's chunk", "zeros"])
def test_damage_of_a_zarr_store_is_found_outside_any_sample(tmp_path, damage):
    sources = write(tmp_path / "sources", Series(lengths=(1,) * 120, chunk=1, lat=10, lon=14))
    product = make("zarr", sources, tmp_path)
    assert compare(Request(product, sources)).problems == ()
    if damage == "a bit flipped":
        flipped(product.path, "77")
    elif damage == "the neighbour's chunk":
        shutil.copy(product.path / "tas" / "c" / "78" / "0" / "0", product.path / "tas" / "c" / "77" / "0" / "0")
    else:
        import zarr

        zarr.open_group(str(product.path), mode="r+", use_consolidated=False)["tas"][77] = 0.0
    result = compare(Request(product, sources))
    assert any(sources[77] in problem for problem in result.problems)
