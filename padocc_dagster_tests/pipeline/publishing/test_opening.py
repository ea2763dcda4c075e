"""The lines that open a product, executed as a reader would: in a process of their own, without this package."""

import subprocess
import sys
from pathlib import Path

import pytest

from padocc_dagster.pipeline.publishing.opening import OPENINGS, REMOTE, lines_to_open
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.make_products import KINDS, make

PAGE = Path(__file__).parents[3] / "docs" / "published.md"
COMPARE = """
parts = [xarray.load_dataset(path) for path in {sources}]
source = xarray.concat(parts, "time", data_vars="minimal")
assert set(dataset.variables) == set(source.variables), list(dataset.variables)
for name in source.variables:
    assert dataset[name].load().equals(source[name]), name
import sys
assert not [name for name in sys.modules if name.startswith("padocc")]
"""


def cfa(sources: tuple[str, ...], folder: Path) -> Product:
    from cfapyx import CFANetCDF

    aggregation = CFANetCDF(list(sources))
    aggregation.create()
    aggregation.write(str(folder / "p.nca"))
    return Product(folder / "p.nca", "CFA", "1.0")


@pytest.mark.parametrize("kind", [*KINDS, "CFA"])
def test_the_lines_give_the_values_of_the_sources(kind: str, tmp_path: Path) -> None:
    write(tmp_path / "src", Series(lengths=(4, 4, 4), lat=12, lon=12))
    sources = tuple(sorted(str(path) for path in (tmp_path / "src").glob("*.nc")))
    product = cfa(sources, tmp_path) if kind == "CFA" else make(kind, sources, tmp_path)
    code = "\n".join([*lines_to_open(product.path, product.cloud_format), COMPARE.format(sources=sources)])
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def test_the_page_on_published_products_has_the_lines_of_every_format() -> None:
    page = PAGE.read_text()
    for opening in (*OPENINGS.values(), REMOTE):
        assert f": pip install {opening.needs}\n" in page and f'", {opening.options})\n' in page
