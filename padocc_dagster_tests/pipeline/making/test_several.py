"""One project made by several processes is what one process makes: the same bytes, the same errors, and nothing when a process dies."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.comparison.children import WORTH_FILES
from padocc_dagster_tests.make_netcdf import Series, cut_short
from padocc_dagster_tests.pipeline.projects import Made, make

FILES = WORTH_FILES + 2
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
import padocc.phases
from padocc_dagster.pipeline.comparison import children
from padocc_dagster.pipeline.making import compute, several, together
from padocc_dagster.pipeline.running import attempt

compute.odd_now = lambda *_: ()  # a file that was damaged since the scan is found by those who read it
root, project, dies, product, copy = json.loads(sys.argv[1])
used = []
for name in ("map", "each"):
    def counted(processes, function, items, own=getattr(children.Children, name), name=name):
        used.append(getattr(getattr(function, "func", function), "__name__"))
        return own(processes, function, items)
    setattr(children.Children, name, counted)

def outcome(cpus):
    used.clear()
    try:
        found = attempt.compute(root, project, cpus=cpus)
    except children.ChildDied as died:
        found = {"died": died.signal}
    log = Path(root, "in_progress", *project.split(":"), "status_log.csv").read_text().splitlines()
    known = {name: found.get(name) for name in ("status", "error_class", "message", "died")}
    return {**known, "used": list(dict.fromkeys(used)), "rows": len(log)}

def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

if dies:
    module = several if hasattr(several, dies) else together
    setattr(module, dies, die)
two = outcome(2)
if copy and Path(product).exists():
    os.rename(product, copy)
print(json.dumps([two, outcome(1)]))
"""
Outcome = dict[str, Any]


def computed(made: Made, dies: str = "", product: Path = Path(), copy: Path = Path()) -> tuple[Outcome, Outcome]:
    """The outcomes of two processes and then of one, in a process in which nothing has started a thread before, as a worker is; and which
    functions were shared. `dies` kills the processes that call that function, `copy` gets what two have made."""
    argument = json.dumps([str(made.workdir.root), str(made.project), dies, str(product), str(copy) if copy != Path() else ""])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, argument], capture_output=True, text=True, env=environment, timeout=480)
    assert done.returncode == 0, done.stderr[-3000:]
    two, one = json.loads(done.stdout.splitlines()[-1])
    assert one.pop("used") == []
    return two, one


def content(path: Path) -> dict[str, bytes]:
    """Every file of a product, by its path in it; without the time at which PADOCC made it."""
    if path.is_dir():
        return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}
    value = json.loads(path.read_text())
    attributes = value["refs"][".zattrs"]
    attributes = json.loads(attributes) if isinstance(attributes, str) else attributes
    return {"": json.dumps({**value, "refs": {**value["refs"], ".zattrs": {**attributes, "aggregation_date": ""}}}).encode()}


RICH = Series(lengths=(2,) * FILES, chunk=1, orog=True, packed=True, bounds=True, meaning=True)
CASES = {
    "references": ("kerchunk", RICH, ["_converted", "_opened", "_read"]),
    "references of NetCDF3, times counted anew in each file": (
        "kerchunk",
        Series(lengths=(2,) * FILES, format="NETCDF3_CLASSIC", varying_units=True),
        ["_converted", "_opened", "_read"],
    ),
    "store": ("zarr", RICH, ["_open_share", "_write_region", "_read"]),
    "store of files of differing lengths": (
        "zarr",
        Series(lengths=tuple(2 + number % 2 for number in range(FILES)), chunk=2, orog=True),
        ["_open_share", "_write_region", "_read"],
    ),
    "store with a chunk that two processes would share": (
        "zarr",
        Series(lengths=tuple(3 - number % 2 for number in range(FILES)), chunk=2, orog=True),
        ["_open_share", "_read"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_several_processes_make_the_same_bytes_as_one(tmp_path: Path, case: str) -> None:
    cloud_format, series, shared = CASES[case]
    made = make(tmp_path, series, cloud_format=cloud_format)
    made.through("scan")
    product, by_two = made.folder / ("k1.0a.json" if cloud_format == "kerchunk" else "zr1.0a.zarr"), tmp_path / "by_two"
    two, one = computed(made, product=product, copy=by_two)
    assert two["status"].endswith("Success") and two["used"] == shared
    assert one["status"] == two["status"]
    assert content(by_two) == content(product)
    assert made.verified()["passed"]


@pytest.mark.parametrize("cloud_format", ["kerchunk", "zarr"])
def test_a_damaged_file_is_the_same_error_for_several_processes_as_for_one(tmp_path: Path, cloud_format: str) -> None:
    made = make(tmp_path, Series(lengths=(2,) * FILES), cloud_format=cloud_format)
    made.through("scan")
    cut_short(made.sources[30])
    two, one = computed(made)
    assert two.pop("used") and one.pop("rows") > two.pop("rows")
    assert one == two and one["error_class"] and "f_030.nc" in one["message"]


@pytest.mark.parametrize(("cloud_format", "dies"), [("kerchunk", "_opened"), ("zarr", "_write_region")])
def test_a_process_that_is_killed_leaves_no_end_of_the_phase(tmp_path: Path, cloud_format: str, dies: str) -> None:
    made = make(tmp_path, Series(lengths=(2,) * FILES), cloud_format=cloud_format)
    made.through("scan")
    before = len(made.statuses)
    two, one = computed(made, dies)
    assert two["died"] == signal.SIGKILL
    assert two["rows"] == before, "neither success nor failure: the worker's own death is what is reported"
    assert one["status"].endswith("Success"), "and the phase can be repeated"
    assert made.verified()["passed"]
