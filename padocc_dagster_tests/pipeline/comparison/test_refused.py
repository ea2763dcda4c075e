"""What a comparison refuses without anybody having damaged a product, and what it says."""

import json
import os
import shutil
import sys
from pathlib import Path

import netCDF4
import pytest

from padocc_dagster.pipeline.comparison import Comparison, Request, compare
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, cut_short, make_empty, write
from padocc_dagster_tests.make_products import make


def made(tmp_path: Path, series: Series = Series(), kind: str = "kerchunk-K") -> tuple[Product, tuple[str, ...]]:
    sources = write(tmp_path / "sources", series)
    return make(kind, sources, tmp_path), sources


def refused(result: Comparison, *words: str) -> None:
    """The product was refused, and one sentence has all the words."""
    assert not result.passed
    assert any(all(word in problem for word in words) for problem in result.problems), result.problems


@pytest.mark.parametrize("kind", ("kerchunk-V", "kerchunk-K", "parquet"))
def test_a_field_that_differs_from_file_to_file_is_refused(tmp_path, kind):
    product, sources = made(tmp_path, Series(orog_per_file=True), kind)
    refused(compare(Request(product, sources)), "orog", "keeps only one", sources[1])


def test_a_large_field_that_differs_is_found_in_a_sampled_file(tmp_path):
    product, sources = made(tmp_path, Series(orog_per_file=True, lat=140, lon=140, lengths=(1,) * 3, chunk=1))
    refused(compare(Request(product, sources, compare=0)), "orog", sources[2])


def test_a_variable_of_a_later_file_only_is_refused(tmp_path):
    product, sources = made(tmp_path, Series(later_variable=True), "zarr")
    refused(compare(Request(product, sources)), "extra", sources[2])


def test_a_variable_that_a_later_file_lacks_is_refused(tmp_path):
    with_packed = write(tmp_path / "a", Series(packed=True))
    without = write(tmp_path / "b", Series())
    product = make("kerchunk-K", with_packed, tmp_path)
    refused(compare(Request(product, (*with_packed[:2], without[2]))), "pr", without[2])


def test_bounds_in_units_of_their_own_file_are_refused_when_the_product_has_one_unit(tmp_path):
    product, sources = made(tmp_path, Series(varying_units=True, bounds=True), "kerchunk-V")
    refused(compare(Request(product, sources)), "time_bnds", "days since 2000-01-05", "days since 2000-01-01")


def test_chunks_never_written_that_the_product_reads_as_zero_are_refused(tmp_path):
    product, sources = made(tmp_path, Series(never_written=True, declare_fill=False))
    refused(compare(Request(product, sources)), "sparse", "0.0 in the product")


@pytest.mark.parametrize("kind", ("kerchunk-V", "kerchunk-K", "parquet", "zarr"))
def test_sources_in_another_order_are_refused(tmp_path, kind):
    product, sources = made(tmp_path, kind=kind)
    refused(compare(Request(product, (sources[1], sources[0], sources[2]))), "time")


@pytest.mark.parametrize("kind", ("kerchunk-V", "parquet", "zarr"))
def test_a_source_that_is_not_in_the_product_is_refused(tmp_path, kind):
    sources = write(tmp_path / "sources", Series())
    product = make(kind, sources[:2], tmp_path)
    refused(compare(Request(product, sources)), "time is 8 long in the product", "12")


@pytest.mark.parametrize("kind", ("kerchunk-V", "parquet", "zarr"))
def test_a_product_of_more_than_its_sources_is_refused(tmp_path, kind):
    product, sources = made(tmp_path, kind=kind)
    refused(compare(Request(product, sources[:2])), "time is 12 long in the product", "8")


def test_a_product_of_the_first_file_alone_is_refused(tmp_path):
    sources = write(tmp_path / "sources", Series())
    refused(compare(Request(make("kerchunk-K", sources[:1], tmp_path), sources)), "no dimension of the product is longer")


@pytest.mark.parametrize(
    "damage", (cut_short, make_empty, lambda path: Path(path).unlink(), lambda path: Path(path).write_text("no NetCDF"))
)
def test_a_damaged_source_is_refused_by_name(tmp_path, damage):
    product, sources = made(tmp_path)
    damage(sources[1])
    refused(compare(Request(product, sources)), sources[1])


def test_a_source_that_changed_after_its_values_were_copied_is_refused(tmp_path):
    product, sources = made(tmp_path, kind="zarr")
    with netCDF4.Dataset(sources[1], "a") as dataset:
        dataset["tas"][0, 0, 0] = 1.0
    refused(compare(Request(product, sources)), "tas", sources[1], "1.0 in the file")


def test_groups_in_a_source_are_refused(tmp_path):
    product, sources = made(tmp_path)
    with netCDF4.Dataset(sources[1], "a") as dataset:
        dataset.createGroup("inner")
    refused(compare(Request(product, sources)), "groups", "inner", sources[1])


def test_no_sources_or_one_listed_twice_are_refused(tmp_path):
    product, sources = made(tmp_path)
    refused(compare(Request(product, ())), "no source files")
    refused(compare(Request(product, (*sources, sources[0]))), "more than once")


def test_a_product_that_is_not_there_or_not_readable_is_refused(tmp_path):
    product, sources = made(tmp_path)
    refused(compare(Request(Product(tmp_path / "none.json", "kerchunk", "1.0"), sources)), "no product")
    product.path.write_text(product.path.read_text()[:-100])
    refused(compare(Request(product, sources)), "not valid JSON")
    product.path.write_text("{}")
    refused(compare(Request(product, sources)), "no kerchunk references")
    product.path.write_text(json.dumps({"version": 1, "refs": {".zgroup": '{"zarr_format":2}'}, "templates": {"u": "x"}}))
    refused(compare(Request(product, sources)), "templates")


def test_a_store_without_metadata_is_refused(tmp_path):
    product, sources = made(tmp_path, kind="zarr")
    (product.path / "zarr.json").unlink()
    refused(compare(Request(product, sources)), "cannot be opened")


def test_a_parquet_store_without_a_part_is_refused(tmp_path):
    product, sources = made(tmp_path, kind="parquet")
    (product.path / "tas" / "refs.0.parq").unlink()
    refused(compare(Request(product, sources)), "tas")


def test_what_is_damaged_outside_the_sample_is_found_by_its_references(tmp_path):
    product, sources = made(tmp_path, Series(lengths=(2,) * 9, chunk=1, lat=120, lon=140))
    content = json.loads(product.path.read_text())
    good = dict(content["refs"])
    assert compare(Request(product, sources, compare=0)).files_proved == 9
    for change in ({"tas/8.0.0": good["tas/9.0.0"][:1] + ["x", 3]}, {"tas/8.0.0": good["tas/6.0.0"]}, {"tas/8.0.0": None}):
        content["refs"] = {key: value for key, value in {**good, **change}.items() if value is not None}
        product.path.write_text(json.dumps(content))
        refused(compare(Request(product, sources, compare=0)), "tas")


def test_what_was_not_read_is_said(tmp_path):
    product, sources = made(tmp_path, Series(lengths=(1,) * 8, chunk=1, lat=120, lon=140), "zarr")
    result = compare(Request(product, sources, compare=2, seed=7))
    assert result.passed
    assert (result.files_compared, result.files_total) == (4, 8)
    assert "4 of 8 source files" in result.sampling and "seed 7" in result.sampling
    assert "not read, and not proved, in other files: tas" in result.sampling


def test_kept_variables_must_be_there_and_no_others(tmp_path):
    product, sources = made(tmp_path, Series(packed=True))
    refused(compare(Request(product, sources, variables=("tas",))), "pr", "only tas")
    refused(compare(Request(product, sources, variables=("tas", "pr", "snow"))), "snow")
    content = json.loads(product.path.read_text())
    content["refs"] = {key: value for key, value in content["refs"].items() if not key.startswith("pr/")}
    product.path.write_text(json.dumps(content))
    assert compare(Request(product, sources, variables=("tas",))).passed
    refused(compare(Request(product, sources)), "pr", "not in the product")


def test_attributes_that_were_to_change_must_have_changed(tmp_path):
    product, sources = made(tmp_path)
    assert compare(Request(product, sources, updates={"title": "a small series"})).passed
    refused(compare(Request(product, sources, updates={"title": "new"})), "title", "new")
    refused(compare(Request(product, sources, updates={"licence": "open"})), "licence")
    refused(compare(Request(product, sources, removals=("institution",))), "institution", "removed")
    assert compare(Request(product, sources, removals=("licence",))).passed


def test_the_fingerprints_change_with_the_product_and_with_the_sources(tmp_path):
    product, sources = made(tmp_path)
    before = compare(Request(product, sources))
    content = json.loads(product.path.read_text())
    product.path.write_text(json.dumps(content, indent=1))
    shutil.copy(sources[0], sources[0] + ".copy")
    shutil.move(sources[0] + ".copy", sources[0])
    after = compare(Request(product, sources))
    assert before.passed and after.passed
    assert before.product_fingerprint != after.product_fingerprint
    assert before.source_fingerprint != after.source_fingerprint


@pytest.mark.parametrize("changed", ("product", "source", "source gone"))
def test_what_changes_while_it_is_compared_is_refused(tmp_path, monkeypatch, changed):
    product, sources = made(tmp_path)
    module = sys.modules[compare.__module__]
    compare_files = module.compare_files

    def changed_after(*arguments):
        compared = compare_files(*arguments)
        if changed == "product":
            product.path.write_text(product.path.read_text() + " ")
        elif changed == "source":
            os.utime(sources[1], ns=(1, 1))
        else:
            os.unlink(sources[1])
        return compared

    monkeypatch.setattr(module, "compare_files", changed_after)
    words = (str(product.path),) if changed == "product" else ("source files",)
    refused(compare(Request(product, sources)), *words, "changed while")
