"""The parts of the comparison that are functions of values."""

import random

import numpy as np
import pytest

from padocc_dagster.pipeline.comparison.encoding import differences, encoding_of, inherit, units_problem
from padocc_dagster.pipeline.comparison.placement import Placement, place
from padocc_dagster.pipeline.comparison.reading import blocks
from padocc_dagster.pipeline.comparison.references import Table, places
from padocc_dagster.pipeline.comparison.report import ENOUGH, Findings
from padocc_dagster.pipeline.comparison.request import choose
from padocc_dagster.pipeline.comparison.sources import Header
from padocc_dagster.pipeline.comparison.storage import Storage
from padocc_dagster.pipeline.comparison.store import forced
from padocc_dagster.pipeline.comparison.values import difference


def differs(source, product, ours=None, theirs=None):
    """How two arrays differ, given the attributes of each."""
    source, product = np.asarray(source), np.asarray(product)
    one, other = encoding_of(source.dtype, ours or {}), encoding_of(product.dtype, theirs if theirs is not None else ours or {})
    return difference(source, product, one, other, raw=not differences(one, other))


def headers(*lengths, **fixed):
    return [Header((("time", length), *fixed.items()), ()) for length in lengths]


class TestValues:
    @pytest.mark.parametrize(
        "values",
        [
            np.array([1.0, np.nan, -0.0]),
            np.array([1 + 2j, complex(np.nan, 1)]),
            np.array([(1, np.nan), (2, 3.0)], dtype=[("a", "i4"), ("b", "f4")]),
            np.array(["a", "", "ü"], dtype=object),
            np.array([b"a", b"", b"b"]),
            np.array([True, False]),
            np.array([2**63 - 1, -(2**63)]),
            np.float32(5),
        ],
        ids=lambda values: str(values.dtype),
    )
    def test_an_array_equals_itself(self, values):
        assert differs(values, np.array(values, copy=True)) is None

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ([1.0, np.nan], [1.0, 0.0]),
            ([1, 2], [1, 3]),
            ([2**53 + 1], [float(2**53)]),
            (np.array([-1], "i8"), np.array([2**64 - 1], "u8")),
            (np.array([1.1], "f4"), np.array([1.1], "f8")),
            (["a"], ["b"]),
            (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]), np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f4")])),
            (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]), np.array([(1, 2.0)], dtype=[("a", "i4"), ("c", "f4")])),
            ([[1, 2]], [1, 2]),
            (["1"], [1]),
        ],
    )
    def test_one_other_value_is_found(self, one, other):
        assert differs(one, other)

    def test_the_first_difference_is_named(self):
        assert "1 of 4 values differ, the first at (1, 0): 3 in the file, 9 in the product" in differs([[1, 2], [3, 4]], [[1, 2], [9, 4]])

    def test_packed_and_unpacked_values_are_equal_when_float64_says_so(self):
        packing = {"scale_factor": 0.1, "add_offset": 5.0, "_FillValue": np.int16(-9)}
        packed = np.array([1, 2, -9], "i2")
        assert differs(packed, np.array([5.1, 5.2, np.nan]), packing, {}) is None
        assert differs(packed, np.array([5.1, 5.3, np.nan]), packing, {})
        assert differs(packed, np.array([5.1, 5.2, 4.1]), packing, {})
        assert differs(packed, packed, packing, {**packing, "scale_factor": 0.2})

    def test_several_missing_values_written_as_one_are_equal(self):
        ours = {"_FillValue": -9.0, "missing_value": -8.0}
        assert differs([1.0, -9.0, -8.0, np.nan], [1.0, -9.0, -9.0, -9.0], ours) is None
        assert differs([1.0, -9.0, -8.0, 7.0], [1.0, -9.0, -9.0, -9.0], ours)

    def test_a_missing_value_that_masks_data_is_found(self):
        assert differs([1.0, 5.0], [1.0, 5.0], {}, {"_FillValue": 5.0})
        assert differs(["a", "b"], ["a", "b"], {}, {"_FillValue": "b"})
        assert differs([1.0, 5.0], [1.0, 5.0], {}, {"_FillValue": 6.0}) is None

    def test_zero_as_the_missing_value_of_a_product_is_found_where_there_are_zeros(self):
        assert differs(np.array([0, 1], "i4"), np.array([0, 1], "i4"), {}, {"_FillValue": 0})

    def test_the_default_fill_of_netcdf_counts_as_missing_but_not_for_bytes(self):
        unwritten = np.array([1.0, 9.969209968386869e36], "f4")
        assert differs(unwritten, unwritten, {}, {"_FillValue": unwritten[1]}) is None
        assert differs(np.array([-127], "i1"), np.array([-127], "i1"), {}, {"_FillValue": -127})

    def test_unsigned_bytes_are_read_as_unsigned(self):
        assert differs(np.array([-1, 5], "i1"), np.array([255, 5], "u1"), {"_Unsigned": "true"}, {}) is None
        assert differs(np.array([-1, 5], "i1"), np.array([-1, 5], "i1"), {"_Unsigned": "true"}, {})

    def test_booleans_written_as_bytes_equal_booleans(self):
        assert differs(np.array([0, 1], "i1"), np.array([False, True]), {"dtype": "bool"}, {}) is None
        assert differs(np.array([0, 1], "i1"), np.array([True, True]), {"dtype": "bool"}, {})


class TestTimes:
    def test_the_same_date_in_other_units_is_equal(self):
        hours, days = (
            {"units": "hours since 1970-01-01", "calendar": "360_day"},
            {"units": "days since 1859-09-01 06:00:00", "calendar": "360_day"},
        )
        assert differs(np.array(-953274.0), np.array(0), hours, days) is None
        assert differs(np.array(-953274.0), np.array(1), hours, days)

    def test_times_in_other_units_are_equal_within_what_the_numbers_hold(self):
        days, hours = {"units": "days since 2000-01-01"}, {"units": "hours since 2000-01-01"}
        assert differs([1 / 3], [8.0], days, hours) is None
        assert differs([1 / 3], [8.0 + 1e-9], days, hours)
        assert differs([7304.2], [7304.2 * 24], days, hours) is None
        assert differs(np.array([1], "i4"), np.array([24_000_001], "i8"), days, {"units": "microseconds since 2000-01-01"})

    def test_numbers_of_one_unit_are_equal_only_when_they_are_the_same(self):
        for units in ("days since 2000-01-01", "microseconds", "seconds"):
            assert differs([1.0], [1.0 + 1e-9], {"units": units})
            assert differs(np.array([1], "i4"), np.array([2], "i4"), {"units": units})

    def test_what_xarray_loses_when_it_writes_times_again_is_no_difference(self):
        encoding = encoding_of("f8", {"units": "days since 2000-01-01"})
        one, other = np.array([1.0]), np.array([1.0 + 4e-15])
        assert difference(one, other, encoding, encoding, raw=True, rewritten=True) is None
        assert difference(one, other + 1e-9, encoding, encoding, raw=True, rewritten=True)
        whole = encoding_of("i4", {"units": "microseconds"})
        assert difference(np.array([1], "i4"), np.array([2], "i4"), whole, whole, raw=True, rewritten=True)

    def test_units_of_time_written_otherwise_are_the_same_units(self):
        pair = [encoding_of("f8", {"units": f"days since {date}"}) for date in ("2000-01-01", "2000-1-1 00:00:00")]
        assert differences(*pair) == []

    def test_months_are_compared_as_numbers(self):
        months = {"units": "months since 1979-01-01"}
        assert differs([1.0, 2.0], [1.0, 2.0], months) is None
        assert differs([1.0, 2.0], [1.0, 2.5], months)

    def test_bounds_take_the_calendar_that_they_do_not_declare_from_what_they_bound(self):
        time = encoding_of("f8", {"units": "days since 2000-01-01", "calendar": "365_day"})
        bounds = encoding_of("f8", {"units": "days since 2000-01-01"})
        assert inherit({"time": time, "time_bnds": bounds}, {"time": "time_bnds"})["time_bnds"].calendar == "standard"
        assert inherit({"time": time, "time_bnds": bounds}, {"time_bnds": "time"})["time_bnds"].calendar == "noleap"

    def test_calendars_agree_where_their_dates_do(self):
        units = {"units": "days since 2000-01-01"}
        standard, proleptic, none = {**units, "calendar": "gregorian"}, {**units, "calendar": "proleptic_gregorian"}, units
        assert differs([1.0], [1.0], standard, proleptic) is None
        assert differs([1.0], [1.0], none, proleptic) is None
        assert differs([-200_000.0], [-200_000.0], standard, proleptic)
        assert differs([1.0], [1.0], standard, {**units, "calendar": "noleap"})

    def test_durations_in_other_units_are_equal(self):
        assert differs([24, 48], [1, 2], {"units": "hours"}, {"units": "days"}) is None
        assert differs([24, 48], [1, 3], {"units": "hours"}, {"units": "days"})

    @pytest.mark.parametrize(("one", "other"), [("K", "degC"), ("K", None), (None, "K"), ("days since 2000-01-01", "K"), ("days", "m")])
    def test_other_units_of_anything_else_are_a_problem(self, one, other):
        encodings = [encoding_of("f4", {} if units is None else {"units": units}) for units in (one, other)]
        assert units_problem(*encodings)

    @pytest.mark.parametrize(("one", "other"), [("m s-1", "m s**-1"), ("degC", "degree_Celsius"), ("kg kg-1", "1"), ("hPa", "mbar")])
    def test_units_are_compared_as_units(self, one, other):
        encodings = [encoding_of("f4", {"units": units}) for units in (one, other)]
        assert units_problem(*encodings) is None and differences(*encodings) == []

    @pytest.mark.parametrize(("one", "other"), [("hPa", "Pa"), ("degrees_north", "degrees_east"), ("psu", "1"), ("m", "m2")])
    def test_units_of_another_size_or_meaning_are_other_units(self, one, other):
        assert units_problem(*(encoding_of("f4", {"units": units}) for units in (one, other)))


class TestPlacement:
    def test_files_follow_one_another_along_the_dimension_that_grew(self):
        placement, problems = place(headers(3, 0, 4, lat=5), {"time": 7, "lat": 5})
        assert (placement.dimension, placement.offsets, problems) == ("time", (0, 3, 3, 7), [])
        assert [list(placement.owners(*part)) for part in ((0, 1), (2, 4), (3, 7), (0, 7))] == [[0], [0, 1, 2], [2], [0, 1, 2]]

    def test_one_file_needs_no_dimension(self):
        assert place(headers(3), {"time": 3})[0].dimension is None
        assert place(headers(3), {"time": 4})[0] is None

    def test_the_other_files_may_be_empty(self):
        assert place(headers(3, 0), {"time": 3})[0].offsets == (0, 3, 3)

    @pytest.mark.parametrize("size", (3, 5, 7))
    def test_another_length_than_the_sum_is_a_problem(self, size):
        assert place(headers(3, 3), {"time": size})[1]

    def test_two_dimensions_that_grew_are_a_problem(self):
        assert "joined along several" in place(headers(3, 3, lat=2), {"time": 6, "lat": 4})[1][-1]

    def test_a_fixed_dimension_that_varies_is_a_problem(self):
        files = [Header((("time", 2), ("lat", 5)), ()), Header((("time", 2), ("lat", 6)), ())]
        assert "lat" in place(files, {"time": 4, "lat": 5})[1][0]

    def test_a_dimension_made_up_for_the_files_places_them(self):
        placement, _ = place(headers(3, 3), {"time": 3, "file_number": 2})
        assert placement.stacked and placement.offsets == (0, 1, 2)


class TestChunks:
    @pytest.mark.parametrize("key", ("4.0", "0.1", "0", "0.0.0", "-1.0", "00.0", "a.0", ""))
    def test_keys_of_no_chunk_are_known(self, key):
        assert places(Table("tas", (7, 4), Storage("<f4", (2, 4))), [key]) is None

    def test_files_of_absent_chunks_are_forced(self):
        placement, present = Placement("time", (0, 3, 7)), np.zeros((4, 1), bool)
        assert forced(present, (7, 4), (2, 4), 0, placement) == {0, 1}
        present[[0, 2, 3]] = True
        assert forced(present, (7, 4), (2, 4), 0, placement) == {0, 1}
        present[1] = True
        assert forced(present, (7, 4), (2, 4), 0, placement) == set()

    @pytest.mark.parametrize("missing", (True, False))
    def test_an_absent_chunk_of_what_every_file_holds_forces_the_first(self, missing):
        assert forced(np.array(not missing), (), (), None, Placement("time", (0, 3, 7))) == ({0} if missing else set())

    def test_a_scalar_has_one_chunk(self):
        table = Table("crs", (), Storage("<i4", ()))
        assert (table.expected, places(table, ["0"]), places(table, ["1"])) == (1, (), None)


class TestSample:
    @pytest.mark.parametrize(
        ("files", "compare", "expected"), [(300, "all", 300), (300, 5, 7), (300, 0, 2), (3, 9, 3), (1, 0, 1), (300, "auto", 300)]
    )
    def test_the_number_of_files(self, files, compare, expected):
        chosen, _ = choose(files, compare, 0, proved=False)
        assert len(chosen) == expected and {0, files - 1} <= chosen <= set(range(files))

    def test_nothing_is_chosen_where_references_are_proved_unless_it_is_asked_for(self):
        assert choose(300, "auto", 0, proved=True)[0] == set()
        assert len(choose(300, "all", 0, proved=True)[0]) == 300

    def test_the_seed_decides(self):
        assert choose(1000, 9, 1, False) == choose(1000, 9, 1, False) != choose(1000, 9, 2, False)

    @pytest.mark.parametrize("compare", ("some", -1, True, 1.5))
    def test_anything_else_is_refused(self, compare):
        with pytest.raises(ValueError, match="compare"):
            choose(10, compare, 0, proved=False)


def test_blocks_cover_an_array_once_and_keep_to_the_limit():
    drawn = random.Random(0)
    for _ in range(50):
        shape = tuple(drawn.randint(0, 7) for _ in range(drawn.randint(0, 4)))
        limit = drawn.choice((8, 64, 200))
        seen = np.zeros(shape, int)
        for key in blocks(shape, 8, limit):
            assert seen[key].size * 8 <= limit or seen[key].size == 1
            seen[key] += 1
        assert (seen == 1).all()


def test_many_problems_of_one_kind_are_counted_not_listed():
    findings = Findings()
    for number in range(ENOUGH):
        findings.problem("values of tas", f"problem {number}")
    assert findings.enough
    assert len(findings.problems()) == 5 and f"{ENOUGH - 4} more" in findings.problems()[-1]
