"""What the comparison of a product with its sources costs, per file and as a share of the computation before it.

    python benchmarks/proof.py [--files 1000] [--form chunks8|chunks2000|netcdf3] [--odd 5]

Makes a project of small files in a temporary folder, takes it through PADOCC, and prints CPU seconds of the computation and of the
comparison, and of the scan and the headers that it reads. With `--odd N`, one file is then replaced by one of another storage, at N
positions one after another, and the references are made to point into it as kerchunk would; each must be refused.
"""

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import netCDF4
import numpy as np

from padocc_dagster.pipeline.comparison import Request, compare
from padocc_dagster.pipeline.joining.preflight import odd_files
from padocc_dagster.pipeline.joining.survey import headers_of
from padocc_dagster.pipeline.making.initialise import initialise_group
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.spec import ProjectSpec

PROJECT = Project("bench", "proof")
STEPS = {"chunks8": 8, "chunks2000": 2000, "netcdf3": 8}


def write(path: Path, number: int, form: str, shuffle: bool = True) -> None:
    """One file: `tas` in a chunk a step, and its coordinates."""
    steps, chunked = STEPS[form], form != "netcdf3"
    with netCDF4.Dataset(path, "w", format="NETCDF4" if chunked else "NETCDF3_64BIT_OFFSET") as dataset:
        for name, size in (("time", None), ("lat", 24), ("lon", 36)):
            dataset.createDimension(name, size)
        times = dataset.createVariable("time", "f8", ("time",), **({"chunksizes": (steps,)} if chunked else {}))
        times.units = "hours since 1950-01-01"
        times[:] = np.arange(steps) + steps * number
        dataset.createVariable("lat", "f8", ("lat",))[:] = np.linspace(-90, 90, 24)
        dataset.createVariable("lon", "f8", ("lon",))[:] = np.linspace(0, 350, 36)
        how = {"chunksizes": (1, 24, 36), "zlib": True, "shuffle": shuffle, "complevel": 1} if chunked else {}
        tas = dataset.createVariable("tas", "f4", ("time", "lat", "lon"), **how)
        tas.units = "K"
        tas[:] = np.random.default_rng(number).random((steps, 24, 36), dtype="f4") + 280


def cpu() -> float:
    """CPU seconds of this process and of the processes that it waited for."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def timed(what: str, files: int, work) -> tuple[float, object]:
    """Do it, and print what it cost. Returns its CPU seconds, and its answer."""
    began, clock = cpu(), time.monotonic()
    answer = work()
    spent = cpu() - began
    print(f"{what:<28} {spent:8.1f} s CPU {time.monotonic() - clock:8.1f} s wall {1000 * spent / files:8.2f} ms CPU a file", flush=True)
    return spent, answer


def odd_ones(product: Product, sources: list[str], form: str, count: int) -> None:
    """Replace one file after another by one of another storage, and have the product refused."""
    from kerchunk.hdf import SingleHdf5ToZarr

    content = json.loads(product.path.read_text())
    odd = product.path.with_name("odd.json")
    for number in random.Random(1).sample(range(len(sources)), count):
        kept, path = sources[number] + ".kept", sources[number]
        os.rename(path, kept)
        write(Path(path), number, form, shuffle=False)
        own = json.loads(json.dumps(SingleHdf5ToZarr(path, inline_threshold=0).translate(), default=str))["refs"]
        steps = STEPS[form]
        moved = {f"tas/{number * steps + step}.0.0": own[f"tas/{step}.0.0"] for step in range(steps)}
        odd.write_text(json.dumps({**content, "refs": {**content["refs"], **moved}}))
        result = compare(Request(Product(odd, "kerchunk", "1.0"), tuple(sources)))
        os.replace(kept, path)
        print(f"odd file {number}: {'PASSED' if result.passed else 'refused: ' + result.problems[0]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--form", choices=STEPS, default="chunks8")
    parser.add_argument("--odd", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workdir, sources = Workdir(Path(folder) / "work"), []
        for number in range(options.files):
            path = Path(folder) / "sources" / f"f_{number:06d}.nc"
            path.parent.mkdir(exist_ok=True)
            write(path, number, options.form)
            sources.append(str(path))
        spec = ProjectSpec(PROJECT.code, "", tuple(sources))
        initialise_group(str(workdir.root), PROJECT.group, [{**spec.as_dict(), "files": sources, "item": ""}])
        scanned, _ = timed("scan", options.files, lambda: phases.scan(workdir, PROJECT))
        headers, _ = timed("its headers, one process", options.files, lambda: odd_files(headers_of(sources), ["time"]))
        print(f"reading all headers and comparing them costs {100 * headers / scanned:.1f} % of the scan")
        computed, outcome = timed("compute", options.files, lambda: phases.compute(workdir, PROJECT))
        if not outcome.passed:
            sys.exit(outcome.message)
        compared, comparison = timed("comparison, process included", options.files, lambda: phases.verify(workdir, PROJECT))
        print(f"the comparison costs {100 * compared / computed:.1f} % of the computation; passed: {comparison.passed}")
        print(comparison.sampling)
        product = Product(Path(comparison.product_path), "kerchunk", "1.0")
        inside, _ = timed("comparison alone", options.files, lambda: compare(Request(product, tuple(sources))))
        print(f"the comparison alone costs {100 * inside / computed:.1f} % of the computation")
        odd_ones(product, sources, options.form, options.odd)


if __name__ == "__main__":
    main()
