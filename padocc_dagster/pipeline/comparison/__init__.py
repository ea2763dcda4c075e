"""Whether a product equals the NetCDF files it was made from, decided without PADOCC.

PADOCC 1.5.1 can end with `Success` and wrong data, and its validation compares one element per variable
(`padocc/phases/validate.py:84-108`). So nothing is published that this package has not compared itself: the references or
chunks, the structure, and the values. What it cannot decide it refuses, with a sentence.

    request.py    what to compare                 case.py   what is known while it runs     report.py, statement.py   what came out
    sources.py    headers and raw values of the source files
    storage.py    how bytes become values         chunk_index.py, netcdf3.py   where the chunks of a source file lie
    products.py   the product as variables, in one form for all formats
    encoding.py   what raw values mean            values.py, times.py   when two are equal
    attributes.py which attributes mean what      metadata.py   attributes compared
    placement.py  where each file lies in the product
    plans.py      which variable with which, and which files are read
    inventory.py  the chunks by format: references.py and proof.py, store.py, cfa.py
    seen.py       the product as plain xarray shows it
    reading.py    the product in blocks           files.py, parallel.py   its values against those of each file
    compare.py    the order of it all

docs/comparison.md says what it proves.
"""

from padocc_dagster.pipeline.comparison.compare import compare
from padocc_dagster.pipeline.comparison.report import Comparison
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import source_fingerprint

__all__ = ["Comparison", "Request", "compare", "source_fingerprint"]
