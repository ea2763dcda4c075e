"""Cases from the field, made: each is published and equals its sources, or is refused with the reason, the file and the variable."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.making import compute
from padocc_dagster.pipeline.remedies import remedy_for
from padocc_dagster.pipeline.remedies.table import UNKNOWN
from padocc_dagster.pipeline.running import attempt
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster_tests.pipeline.as_seen import unlike_sources
from padocc_dagster_tests.pipeline.cases import CASES, ODD, base, name, project_of
from padocc_dagster_tests.pipeline.projects import Made, choose, initialised, spec

ALL = ("kerchunk", "zarr", "CFA")
PUBLISHED = {
    "e1_hours_in_seconds": ALL,
    "e2_units_differ": ("kerchunk", "zarr"),
    "e4_months": ALL,
    "e4_year_zero": ALL,
    "e7_packing_differs": ("CFA",),
    "e8_two_missing_values": ("kerchunk", "CFA"),
    "e12_szip": ("zarr", "CFA"),
    "e12_scaleoffset": ("zarr", "CFA"),
    "e12_fletcher32": ("zarr", "CFA"),
    "e12_colon_in_path": ALL,
    "e12_small_chunks": ALL,
    "e13_one_netcdf3": ("kerchunk", "zarr"),
    "e13_netcdf3_fixed": ("kerchunk", "zarr", "CFA"),
}
UNDECODED = ("e4_months", "e4_year_zero")
FILTERED = ("e12_szip", "e12_scaleoffset", "e12_fletcher32")
REFUSED: list[tuple[str, str, str, str, str, str]] = [
    # case, format, phase, error class, file named, variable
    *(("a1_one_without_shuffle", form, "scan", "DifferingEncodingError", name(ODD), "tas") for form in ("kerchunk", "parquet")),
    ("a2_one_uncompressed", "kerchunk", "scan", "DifferingEncodingError", name(ODD), "tas"),
    *(("e6_latitudes_differ_a_little", form, "scan", "DifferingCoordinateError", name(2), "lat") for form in ALL),
    *(("e7_packing_differs", form, "scan", "DifferingPackingError", name(1), "t2m") for form in ("kerchunk", "zarr")),
    ("e8_two_missing_values", "zarr", "scan", "ConflictingMissingValuesError", name(0), "depth"),
    *(("e11_one_without_steps", form, "scan", "EmptySourceError", name(1), "") for form in ALL),
    *((case, "kerchunk", "scan", "UnsupportedFilterError", name(0), "tas") for case in FILTERED),
    *(("e14_link_beside_versions", form, "scan", "SourcesOverlapError", "f_000_latest.nc", "") for form in ALL),
]  # fmt: skip


def along_of(case: str) -> str:
    return "valid_time" if case == "e1_hours_in_seconds" else "time"


def assert_shows_its_sources(made: Made, case: str) -> None:
    opening: dict[str, Any] = {"decode_times": False} if case in UNDECODED else {}
    assert unlike_sources(product_of(made.workdir, made.project), made.sources, along_of(case), **opening) == []


@pytest.mark.parametrize(("case", "form"), [(case, form) for case, forms in PUBLISHED.items() for form in forms])
def test_it_is_published_and_shows_what_its_sources_show(tmp_path: Path, case: str, form: str) -> None:
    made = project_of(tmp_path, case, cloud_format=form)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    assert_shows_its_sources(made, case)
    made.through("validate", "publish")
    assert len(made.published()) == 1


@pytest.mark.parametrize("form", ["kerchunk", "zarr", "parquet"])
def test_a_coordinate_declared_identical_is_taken_from_the_first_file(tmp_path: Path, form: str) -> None:
    case = "e6_latitudes_differ_a_little"
    made = project_of(tmp_path, case, cloud_format=form, identical_dims=("lat",))
    made.through("scan", "compute")
    assert_shows_its_sources(made, case)


FOR_THE_COMPARISON = ("e3_scalar_character", "e5_bounds_without_calendar", "e9_flags_with_zeros", "e10_units_spelled_otherwise")


@pytest.mark.parametrize("case", FOR_THE_COMPARISON)
@pytest.mark.parametrize("form", ["kerchunk", "zarr"])
def test_it_is_made(tmp_path: Path, case: str, form: str) -> None:
    project_of(tmp_path, case, cloud_format=form).through("scan", "compute")


def refused(made: Made, phase: str) -> Outcome:
    """The outcome of the phase, which must be a refusal; the phases before it must pass."""
    before = ("scan", "compute")[: ("scan", "compute").index(phase)]
    if before:
        made.through(*before)
    outcome = made.run(phase)
    assert outcome.verdict is Verdict.FAILED, outcome
    return outcome


@pytest.mark.parametrize(("case", "form", "phase", "error_class", "file", "variable"), REFUSED)
def test_it_is_refused_with_the_true_reason_by_file_and_variable(
    tmp_path: Path, case: str, form: str, phase: str, error_class: str, file: str, variable: str
) -> None:
    made = project_of(tmp_path, case, cloud_format=form)
    outcome = refused(made, phase)
    assert outcome.error_class == error_class, outcome
    assert outcome.status.endswith(f"Failed-{error_class}") and remedy_for(outcome.status) is not UNKNOWN
    assert str(made.root / "sources" / file) in outcome.message
    assert str(made.root / "sources" / file) in outcome.details["files"]
    assert outcome.details.get("variable", "") == variable
    assert not product_of(made.workdir, made.project).exists()


@pytest.mark.parametrize("case", FILTERED)
def test_a_filter_that_kerchunk_does_not_know_is_named(tmp_path: Path, case: str) -> None:
    assert case.removeprefix("e12_") in refused(project_of(tmp_path, case), "scan").message


def test_a_filter_of_a_variable_without_the_dimension_of_aggregation_is_found_too(tmp_path: Path) -> None:
    import h5py

    made = Made(tmp_path.resolve())
    for number in range(3):
        base(made.root / "sources" / name(number), number * 4, 4).close()
        with h5py.File(made.root / "sources" / name(number), "r+") as file:
            orog = file.create_dataset("orog", data=file["lat"][:][:, None] + file["lon"][:], chunks=(12, 14), fletcher32=True)
            for axis, dimension in enumerate(("lat", "lon")):
                orog.dims[axis].attach_scale(file[dimension])
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    outcome = refused(made, "scan")
    assert (outcome.error_class, outcome.details["variable"]) == ("UnsupportedFilterError", "orog")


def test_what_is_not_kept_is_no_reason_to_refuse(tmp_path: Path) -> None:
    made = project_of(tmp_path, "e7_packing_differs", variables=("tas",))
    made.through("scan", "compute")
    assert made.verified()["problems"] == []


def test_times_that_cannot_be_decoded_are_reported_by_the_scan(tmp_path: Path) -> None:
    outcome = project_of(tmp_path, "e4_months").through("scan")
    assert outcome.details["undecoded"] == ["time"]
    assert "months since 1979-01-01" in outcome.details["order"]


@pytest.mark.parametrize("aggregator", ["V", "K"])
def test_whichever_aggregator_is_asked_for_files_of_other_filters_are_not_joined(tmp_path: Path, aggregator: str) -> None:
    outcome = refused(project_of(tmp_path, "a1_one_without_shuffle", aggregator=aggregator), "scan")
    assert outcome.error_class == "DifferingEncodingError"


@pytest.mark.parametrize("aggregator", ["V", "K"])
def test_they_are_not_joined_either_where_nothing_was_found_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aggregator: str
) -> None:
    """The last guard, in the aggregators: files may change after their headers were read."""
    made = project_of(tmp_path, "a1_one_without_shuffle", cloud_format="zarr")
    made.through("scan")
    choose(made, cloud_format="kerchunk", aggregator=aggregator)
    base = read_json(made.workdir.base_cfg(made.project))
    write_json(made.workdir.base_cfg(made.project), {**base, "override": {"cloud_type": "kerchunk", "file_type": "json"}})
    monkeypatch.setattr(compute, "odd_now", lambda *_: ())
    outcome = attempt.compute(str(made.workdir.root), str(made.project))
    assert outcome["error_class"] == "DifferingEncodingError"
    assert "K" not in [each["aggregator"] for each in outcome["details"]["aggregators"] if not each["error_class"]]


@pytest.mark.parametrize("dtype", ["f8", ">f4"])
def test_one_file_of_another_type_or_byte_order_is_refused(tmp_path: Path, dtype: str) -> None:
    made = with_one_odd_type(tmp_path, dtype)
    outcome = refused(made, "scan")
    assert (outcome.error_class, outcome.details["variable"]) == ("DifferingTypeError", "tas")
    assert outcome.details["files"] == [str(made.sources[3])]


def with_one_odd_type(root: Path, dtype: str) -> Made:
    import h5py

    made = Made(root.resolve())
    for number in range(4):
        base(made.root / "sources" / name(number), number * 4, 4).close()
    with h5py.File(made.sources[3], "r+") as file:
        old = file["tas"]
        values, units = old[:], old.attrs["units"]
        del file["tas"]
        new = file.create_dataset("tas", data=values.astype(dtype), dtype=dtype, chunks=(2, 12, 14), maxshape=(None, 12, 14))
        new.attrs["units"] = units
        for axis, dimension in enumerate(("time", "lat", "lon")):
            new.dims[axis].attach_scale(file[dimension])
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    return made


@pytest.mark.parametrize("aggregator", [None, "K"])
def test_a_file_that_ends_within_a_chunk_is_refused_where_others_follow(tmp_path: Path, aggregator: str | None) -> None:
    made = Made(tmp_path.resolve())
    for number, (begin, steps) in enumerate(((0, 4), (4, 4), (8, 5), (13, 4))):
        base(made.root / "sources" / name(number), begin, steps).close()
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, aggregator=aggregator))
    outcome = refused(made, "scan")
    assert (outcome.error_class, outcome.details["variable"]) == ("PartialChunksError", "tas")
    assert outcome.details["files"] == [str(made.sources[2])]
    for form in ("zarr", "CFA"):
        initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, cloud_format=form))
        made.through("scan", "compute")
        assert made.verified()["problems"] == []


def test_the_last_file_may_end_within_a_chunk(tmp_path: Path) -> None:
    made = Made(tmp_path.resolve())
    for number, steps in enumerate((4, 4, 3)):
        base(made.root / "sources" / name(number), number * 4, steps).close()
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    assert unlike_sources(product_of(made.workdir, made.project), made.sources, "time") == []


@pytest.mark.parametrize("chunks", [(4, 4, 1), (1, 4, 4)])
@pytest.mark.parametrize("aggregator", ["V", "K"])
def test_files_are_joined_where_only_the_coordinate_that_is_written_anew_is_stored_otherwise(
    tmp_path: Path, aggregator: str, chunks: tuple[int, ...]
) -> None:
    made = Made(tmp_path.resolve())
    for number, chunk in enumerate(chunks):
        base(made.root / "sources" / name(number), number * 4, 4, chunk=4, time_chunk=chunk).close()
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, aggregator=aggregator))
    outcome = made.through("scan", "compute")
    assert [(attempt["aggregator"], attempt["error_class"]) for attempt in outcome.details["aggregators"]] == [(aggregator, None)]
    assert made.verified()["problems"] == []


def test_small_chunks_that_k_takes_into_the_references_are_not_missing_data(tmp_path: Path) -> None:
    made = Made(tmp_path.resolve())
    for number in range(3):
        base(made.root / "sources" / f"f_2000-01-01T{number:02d}:00.nc", number * 4, 4, shape=(3, 4)).close()
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    outcome = made.through("scan", "compute")
    assert outcome.details["aggregator"] == "K"
    assert made.verified()["problems"] == []
    assert unlike_sources(product_of(made.workdir, made.project), made.sources, "time") == []


def test_a_cfa_aggregation_that_left_files_out_is_refused_and_the_list_of_files_stays_whole(tmp_path: Path) -> None:
    made = project_of(tmp_path, "e14_link_beside_versions", cloud_format="CFA")
    for link in (made.root / "sources").glob("*_latest.nc"):
        link.unlink()
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, cloud_format="CFA"), again=True)
    outcome = refused(made, "compute")
    assert outcome.error_class == "SourcesOverlapError"
    assert {str(made.sources[0]), str(made.sources[1])} <= set(outcome.details["files"])
    assert made.run("compute").error_class == "SourcesOverlapError"


UNHELPED = """
import contextlib, random, sys
from pathlib import Path
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.making import validate
validate.placed = lambda *_: contextlib.nullcontext()
random.randint = lambda first, last: last  # PADOCC's verdict is that on a file chosen at random
validate.validate(Workdir(Path(sys.argv[1])), Project("grp", "proj"))
"""


@pytest.mark.parametrize("case", ["e1_hours_in_seconds", "e2_units_differ"])
def test_padoccs_own_way_to_find_times_is_still_wrong_so_that_ours_is_needed(tmp_path: Path, case: str) -> None:
    made = project_of(tmp_path, case)
    made.through("scan", "compute")
    subprocess.run([sys.executable, "-c", UNHELPED, str(made.workdir.root)], check=False, capture_output=True)
    assert "Fatal" in made.rows[-1].status


def test_padocc_still_takes_netcdf3_for_an_error_so_that_our_test_is_needed(tmp_path: Path) -> None:
    from padocc.core.utils import is_netcdf4

    CASES["e13_one_netcdf3"](tmp_path)
    with pytest.raises(Exception, match="NetCDF3"):
        is_netcdf4([str(tmp_path / name(0))])
