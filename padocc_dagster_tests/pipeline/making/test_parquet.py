"""A parquet store made of a kerchunk JSON file holds the same references, whole or not at all."""

import json
import os

import pytest
import xarray

from padocc_dagster.pipeline.comparison import Request, compare
from padocc_dagster.pipeline.making.parquet import write_parquet
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.make_products import make


@pytest.mark.parametrize("kind", ("kerchunk-V", "kerchunk-K"))
def test_the_store_opens_with_plain_xarray_and_equals_the_json(tmp_path, kind):
    sources = write(tmp_path / "sources", Series(packed=True, bounds=True))
    references = make(kind, sources, tmp_path).path
    store = tmp_path / "k.parquet"
    write_parquet(references, store)
    one = xarray.open_dataset(str(references), engine="kerchunk")
    other = xarray.open_dataset(str(store), engine="kerchunk", storage_options={"remote_protocol": "file"})
    xarray.testing.assert_identical(one.load(), other.load())
    assert compare(Request(Product(store, "parquet", "1.0"), sources)).passed


def test_a_store_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    sources = write(tmp_path / "sources", Series())
    references = make("kerchunk-V", sources, tmp_path).path
    store = tmp_path / "out" / "k.parquet"
    (store / "old").mkdir(parents=True)
    write_parquet(references, store)
    assert os.listdir(store.parent) == ["k.parquet"]
    assert not (store / "old").exists()


def test_bad_references_leave_the_store_as_it_was(tmp_path):
    store, references = tmp_path / "k.parquet", tmp_path / "k.json"
    store.mkdir()
    (store / "mark").touch()
    for content in ("[]", "{}", "{", json.dumps({"refs": {"a/0": ["x", 0, 1]}})):
        references.write_text(content)
        with pytest.raises((ValueError, KeyError, AttributeError)):
            write_parquet(references, store)
        assert sorted(os.listdir(tmp_path)) == ["k.json", "k.parquet"]
        assert (store / "mark").exists()
