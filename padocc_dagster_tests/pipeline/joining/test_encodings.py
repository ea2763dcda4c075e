"""How files store their variables, read from headers: what differs, what kerchunk cannot undo, and what VirtualiZarr says of it."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from padocc_dagster.pipeline.joining.encodings import CHECKS, refusal_of, refused_by_check
from padocc_dagster.pipeline.joining.order import concatenation_order
from padocc_dagster.pipeline.joining.survey import headers_of
from padocc_dagster_tests.pipeline.cases import SHUFFLED, UNSHUFFLED, base, name


def written(folder: Path, *odd: int, count: int = 5, form: str = "NETCDF4") -> list[str]:
    """Files of a series, of which some are deflated without shuffle."""
    for number in range(count):
        base(folder / name(number), number * 4, 4, filters=UNSHUFFLED if number in odd else SHUFFLED, form=form).close()
    return [str(path) for path in sorted(folder.glob("*.nc"))]


@pytest.mark.parametrize("odd", range(5))
def test_one_odd_file_is_found_at_any_place(tmp_path: Path, odd: int) -> None:
    files = written(tmp_path, odd)
    refusal = refusal_of(files, ["time"])
    assert refusal is not None and refusal.details == {"files": [files[odd]], "variable": "tas", "kind": "filters"}
    assert "shuffle" in str(refusal)


def test_files_that_are_stored_alike_are_not_refused(tmp_path: Path) -> None:
    assert refusal_of(written(tmp_path), ["time"]) is None


def test_a_variable_that_is_left_out_does_not_count(tmp_path: Path) -> None:
    assert refusal_of(written(tmp_path, 2), ["time"], dropped=["tas"]) is None


def test_where_files_are_stacked_every_variable_counts(tmp_path: Path) -> None:
    assert refusal_of(written(tmp_path, 2), ["file_number"]) is not None


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
def test_a_record_of_netcdf3_is_a_chunk_of_big_endian_values(tmp_path: Path, form: str) -> None:
    (path,) = written(tmp_path, count=1, form=form)
    stored = {name: declared.stored for name, declared in headers_of([path])[0].variables.declared}
    assert stored["tas"] == (">f4", (), (1, 12, 14), (4, 12, 14))
    assert stored["lat"] and stored["lat"].chunks == (12,)


def test_virtualizarr_refuses_by_functions_of_these_names() -> None:
    from virtualizarr.manifests import array_api, utils

    assert all(hasattr(utils, check) or hasattr(array_api, check) for check in CHECKS)
    with pytest.raises(ValueError) as caught:
        utils.check_same_chunk_shapes([(1, 2), (2, 2)])
    assert refused_by_check(caught.value)
    with pytest.raises(ValueError) as caught:
        utils.check_same_ndims([1, 2])
    assert not refused_by_check(caught.value)


def test_times_that_cannot_be_decoded_order_the_files_by_their_numbers_where_units_are_the_same(tmp_path: Path) -> None:
    for path, begin in (("a.nc", 8), ("b.nc", 0), ("c.nc", 4)):
        base(tmp_path / path, begin, 4, units="months since 1979-01-01").close()
    files = [str(tmp_path / path) for path in ("a.nc", "b.nc", "c.nc")]
    ordering = concatenation_order(files)
    assert [Path(file).name for file in ordering.files] == ["b.nc", "c.nc", "a.nc"]
    with netCDF4.Dataset(files[1], "a") as dataset:
        dataset["time"].units = "months since 1980-01-01"
    assert concatenation_order(files).dimension is None


def test_only_coordinates_that_differ_in_the_last_digits_drift(tmp_path: Path) -> None:
    exact = np.linspace(-60, 60, 12)
    for number, lat in enumerate((exact, exact + 1e-9, exact[::-1], exact + 5)):
        base(tmp_path / name(number), number * 4, 4, lat=lat).close()
    drift = [header.drift for header in headers_of([str(path) for path in sorted(tmp_path.glob("*.nc"))])]
    assert list(map(list, drift)) == [[], ["lat"], [], []]
    assert drift[1]["lat"] == pytest.approx(1e-9, rel=1e-3)
