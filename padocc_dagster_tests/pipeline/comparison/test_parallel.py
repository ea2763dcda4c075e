"""Values read by several processes: the same findings as by one, whatever dies."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.make_products import make
from padocc_dagster_tests.pipeline.comparison.test_cfa import make as make_cfa

SCRIPT = """
import json, sys
from pathlib import Path
from padocc_dagster.pipeline.comparison import Request, compare, parallel
from padocc_dagster.pipeline.workdir.product import Product
parallel.WORTH_BYTES = 0
path, cloud_format, sources, cpus = json.loads(sys.argv[1])
result = compare(Request(Product(Path(path), cloud_format, "1.0"), tuple(sources), cpus=cpus))
print(json.dumps([sorted(result.problems), result.files_compared, [row["files_compared"] for row in result.variables]]))
"""


def compared(product: Product, sources: tuple[str, ...], cpus: int) -> list[object]:
    """Problems, and what was read, by a process in which nothing has started a thread, as a worker is."""
    argument = json.dumps([str(product.path), product.cloud_format, sources, cpus])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", SCRIPT, argument], capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("cloud_format", ["zarr", "CFA"])
def test_two_processes_find_what_one_finds(tmp_path, cloud_format):
    sources = write(tmp_path / "sources", Series(lengths=(2,) * 12, chunk=1, orog=True))
    product = make("zarr", sources, tmp_path) if cloud_format == "zarr" else make_cfa(sources, tmp_path / "good.nca")
    one, two = (compared(product, sources, cpus) for cpus in (1, 2))
    assert one == two == [[], 12, [12, 12, 12, 12, 12]]
    if cloud_format == "zarr":
        chunks = product.path / "tas" / "c"
        shutil.copy(chunks / "3" / "0" / "0", chunks / "17" / "0" / "0")
        one, two = (compared(product, sources, cpus) for cpus in (1, 2))
        assert one == two
        assert len(one[0]) == 1 and sources[8] in one[0][0]
