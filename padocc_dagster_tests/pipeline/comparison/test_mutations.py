"""Products damaged in every way we could think of: each is refused, and a change of attributes alone is not."""

import json
import shutil
from pathlib import Path

import pytest

from padocc_dagster.pipeline.comparison import Comparison, Request, compare
from padocc_dagster.pipeline.making.parquet import write_parquet
from padocc_dagster.pipeline.making.references import mend_references
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.make_products import make
from padocc_dagster_tests.pipeline import damage, damage_zarr

SERIES = Series(lengths=(4, 4, 4), chunk=2, packed=True, orog=True, meaning=True, lat=10, lon=14)
REFUSED: list[bool] = []
CASES = [(kind, name) for kind in ("kerchunk-V", "kerchunk-K", "parquet") for name in damage.KERCHUNK]
CASES += [("zarr", name) for name in damage_zarr.ZARR]
HARMLESS = [(kind, name) for kind in ("kerchunk-V", "kerchunk-K", "parquet") for name in damage.HARMLESS]
HARMLESS += [("zarr", name) for name in damage_zarr.HARMLESS]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[tuple[str, ...], dict[str, Product]]:
    """The source files, and a good product of each kind."""
    root = tmp_path_factory.mktemp("whole")
    sources = write(root / "sources", SERIES)
    products = {}
    for kind in ("kerchunk-V", "kerchunk-K", "zarr"):
        (root / kind).mkdir()
        products[kind] = make(kind, sources, root / kind)
        if kind != "zarr":
            mend_references(products[kind].path, sources, {})
    return sources, products


def damaged(whole, directory: Path, kind: str, change) -> Comparison:
    """A copy of the good product, changed, and compared."""
    sources, products = whole
    if kind == "zarr":
        store = directory / "zr1.0a.zarr"
        shutil.copytree(products["zarr"].path, store)
        change(store)
        return compare(Request(Product(store, "zarr", "1.0"), sources))
    content = json.loads(products["kerchunk-V" if kind == "parquet" else kind].path.read_text())
    change(content["refs"], sources)
    path = directory / "k1.0a.json"
    path.write_text(json.dumps(content))
    if kind != "parquet":
        return compare(Request(Product(path, "kerchunk", "1.0"), sources))
    write_parquet(path, directory / "k1.0a.parquet")
    return compare(Request(Product(directory / "k1.0a.parquet", "parquet", "1.0"), sources))


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda value: value)
def test_damaged_data_is_refused(whole, tmp_path, kind, name):
    result = damaged(whole, tmp_path, kind, (damage_zarr.ZARR if kind == "zarr" else damage.KERCHUNK)[name])
    REFUSED.append(not result.passed)
    assert not result.passed, f"{name} passed for {kind}"
    assert all(len(problem) > 20 and "\n" not in problem for problem in result.problems)


@pytest.mark.parametrize(("kind", "name"), HARMLESS, ids=lambda value: value)
def test_a_change_that_leaves_the_data_alone_passes(whole, tmp_path, kind, name):
    result = damaged(whole, tmp_path, kind, (damage_zarr.HARMLESS if kind == "zarr" else damage.HARMLESS)[name])
    assert result.problems == ()
    assert result.information or name == "file:// before all paths"


def test_every_damage_was_refused(request, record_property):
    """Runs after those above, in the same process (`--dist loadfile`); counts those that were asked for (`-k`)."""
    asked = sum(getattr(item, "function", None) is test_damaged_data_is_refused for item in request.session.items)
    if not asked:
        pytest.skip("no damage was asked for")
    record_property("figure", f"mutations refused {sum(REFUSED)}/{len(REFUSED)}")
    assert len(REFUSED) == asked
    assert all(REFUSED)
