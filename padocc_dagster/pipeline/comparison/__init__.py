"""Whether a product equals the NetCDF files it was made from, decided without PADOCC.

PADOCC 1.5.1 can end with `Success` and wrong data, and its validation compares one element per variable
(`padocc/phases/validate.py:84-108`). So nothing is published that this package has not compared itself: the references or
chunks, the structure, and the values. What it cannot decide it refuses, with a sentence.

    request.py    what to compare                 report.py      what came out
    sources.py    headers and raw values of the source files
    products.py   the product as variables, whatever its format (cfa.py, references.py, store.py know the formats)
    encoding.py   what raw values mean            values.py      when two blocks of values are equal (times.py: times)
    placement.py  where each file lies in the product
    chunks.py     which chunks there must be, and which files they hold
    sample.py     which files are compared        metadata.py    attributes
    reading.py    the product in blocks           files.py       its values against those of each file
    plans.py      which variable with which       inventory.py   the chunks, by format
    compare.py    the order of it all
"""

from padocc_dagster.pipeline.comparison.compare import compare
from padocc_dagster.pipeline.comparison.report import Comparison
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import source_fingerprint

__all__ = ["Comparison", "Request", "compare", "source_fingerprint"]
