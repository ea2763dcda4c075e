"""When two products hold the same."""

import json
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.product import same_but_for_date


def references(path: Path, **attributes: str) -> Path:
    path.write_text(json.dumps({"version": 1, "refs": {".zattrs": json.dumps(attributes), "a/0": ["/x.nc", 0, 4]}}))
    return path


def store(path: Path, chunk: bytes, **attributes: str) -> Path:
    path.mkdir()
    (path / "zarr.json").write_text(json.dumps({"attributes": attributes}))
    (path / "0").write_bytes(chunk)
    return path


@pytest.mark.parametrize("comment", ["", "see aggregation_date below", '"aggregation_date"', "[aggregation_date"])
def test_the_date_of_aggregation_alone_makes_no_difference(tmp_path: Path, comment: str) -> None:
    one = references(tmp_path / "one.json", aggregation_date="1999", comment=comment)
    assert same_but_for_date(one, references(tmp_path / "two.json", aggregation_date="2026", comment=comment))


def test_any_other_attribute_does(tmp_path: Path) -> None:
    one = references(tmp_path / "one.json", aggregation_date="1999", comment="see aggregation_date below")
    assert not same_but_for_date(one, references(tmp_path / "two.json", aggregation_date="1999", comment="no aggregation_date"))


def test_a_store_differs_by_a_byte_and_by_a_file(tmp_path: Path) -> None:
    one = store(tmp_path / "one.zarr", b"1234", aggregation_date="1999")
    assert same_but_for_date(one, store(tmp_path / "two.zarr", b"1234", aggregation_date="2026"))
    assert not same_but_for_date(one, store(tmp_path / "three.zarr", b"1235"))
    (tmp_path / "two.zarr" / "1").write_bytes(b"")
    assert not same_but_for_date(one, tmp_path / "two.zarr")
