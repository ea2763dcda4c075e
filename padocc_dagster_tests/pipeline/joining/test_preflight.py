"""The preflight: which files are not like the others, by kind, and what each format does with them when it is made."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.joining.damage import hdf5_length
from padocc_dagster.pipeline.joining.odd import Kind, Odd, in_short
from padocc_dagster.pipeline.joining.preflight import odd_files
from padocc_dagster.pipeline.joining.record import kept, odd_kept
from padocc_dagster.pipeline.joining.survey import UnreadableSourceError, headers_of, survey
from padocc_dagster.pipeline.making import compute
from padocc_dagster.pipeline.running import attempt
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series, cut_short, make_empty, write
from padocc_dagster_tests.pipeline.cases import base, name
from padocc_dagster_tests.pipeline.joining.differences import ALL, COUNT, DIFFERENCES, ODD, REFERENCES, Difference, write_with
from padocc_dagster_tests.pipeline.projects import Made, initialised, make, spec

FORMATS = ("kerchunk", "zarr", "CFA")


def found_in(folder: Path, difference: Difference) -> list[Odd]:
    return odd_files(headers_of(write_with(folder, difference.change)), ["time"])


def project_with(root: Path, difference: Difference, **fields: Any) -> Made:
    made = Made(root.resolve())
    write_with(made.root / "sources", difference.change)
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, **fields))
    return made


@pytest.mark.parametrize("case", DIFFERENCES)
def test_a_difference_is_found_by_kind_variable_and_file_with_what_the_others_have(tmp_path: Path, case: str) -> None:
    difference = DIFFERENCES[case]
    odd, *more = found_in(tmp_path, difference)
    assert [each.kind for each in more] == ([Kind.CHUNKS] if case == "size" else [])
    assert (odd.kind, odd.variable) == (difference.kind, difference.variable)
    assert odd.files == (str(tmp_path / name(ODD)),) and odd.count == 1
    assert difference.has in odd.has and odd.others and odd.others != odd.has
    assert (odd.such_as, odd.others_count) == (str(tmp_path / name(0)), COUNT - 1)
    assert {*odd.refused_by} == {*difference.refused_by}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", DIFFERENCES)
def test_what_a_format_can_hold_is_made_and_equals_its_sources_and_the_rest_stops_at_the_scan(tmp_path: Path, case: str, form: str) -> None:
    difference = DIFFERENCES[case]
    made = project_with(tmp_path, difference, cloud_format=form)
    outcome = made.run("scan")
    if form in difference.refused_by:
        assert outcome.verdict is Verdict.FAILED and outcome.details["files"] == [str(made.sources[ODD])]
        assert difference.variable in outcome.message and str(made.sources[ODD]) in outcome.message
    else:
        assert outcome.passed, outcome
        assert outcome.details["odd_files"] == f"1 of {difference.kind}"
        made.through("compute")
        assert made.verified()["problems"] == []


@pytest.mark.parametrize("form", FORMATS)
def test_files_that_are_alike_have_no_difference(tmp_path: Path, form: str) -> None:
    files = write(tmp_path, Series(packed=True, bounds=True, meaning=True, orog=True, texts=True, characters=True, never_written=True))
    assert odd_files(headers_of(files), ["time"]) == []


def test_coordinates_that_are_written_anew_and_what_is_left_out_do_not_count(tmp_path: Path) -> None:
    for number, chunk in enumerate((4, 2, 1)):
        base(tmp_path / name(number), number * 4, 4, chunk=4, time_chunk=chunk).close()
    files = [str(path) for path in sorted(tmp_path.glob("*.nc"))]
    assert odd_files(headers_of(files), ["time"]) == []
    write_with(tmp_path / "more", DIFFERENCES["units"].change)
    assert odd_files(headers_of([str(path) for path in (tmp_path / "more").glob("*.nc")]), ["time"], ["x"]) == []


def test_where_files_are_stacked_every_variable_must_be_stored_alike(tmp_path: Path) -> None:
    files = write_with(tmp_path, DIFFERENCES["double, in all files alike"].change)
    (odd,) = odd_files(headers_of(files), ["file_number"])
    assert {*REFERENCES} <= {*odd.refused_by}


def test_while_nobody_knows_how_files_follow_each_other_nothing_is_refused_for_how_it_is_stored(tmp_path: Path) -> None:
    (odd,) = odd_files(headers_of(write_with(tmp_path, DIFFERENCES["chunks"].change)), None)
    assert odd.kind is Kind.CHUNKS and odd.refused_by == ()


@pytest.mark.parametrize("steps", [(4, 3, 4), (3, 3, 3), (4, 4, 3)])
def test_files_that_end_within_a_chunk_are_odd_where_others_follow(tmp_path: Path, steps: tuple[int, ...]) -> None:
    for number, count in enumerate(steps):
        base(tmp_path / name(number), number * 4, count).close()
    files = [str(path) for path in sorted(tmp_path.glob("*.nc"))]
    partial = [odd for odd in odd_files(headers_of(files), ["time"]) if odd.kind is Kind.PARTIAL]
    meant = tuple(path for path, count in zip(files[:-1], steps, strict=False) if count % 2)
    assert [odd.files for odd in partial] == ([meant] if meant else [])


def test_what_differs_in_every_file_is_one_difference(tmp_path: Path) -> None:
    files = write(tmp_path, Series(lengths=(2,) * 9, varying_units=True))
    (odd,) = odd_files(headers_of(files), ["time"])
    assert (odd.kind, odd.count, odd.others_count) == (Kind.UNITS, 8, 1) and "8 ways" in odd.has


def test_all_kinds_are_listed_and_files_that_cannot_be_read_with_them(tmp_path: Path) -> None:
    made = Made(tmp_path.resolve())

    def change(dataset: Any, number: int, is_odd: bool) -> None:
        DIFFERENCES["level"].change(dataset, number, is_odd)
        dataset["tas"].units = "K" if number != 1 else "Pa"

    write_with(made.root / "sources", change)
    cut_short(made.sources[5])
    make_empty(made.sources[4])
    made.sources[2].write_text("<html>not found</html>")
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    outcome = made.run("scan")
    assert outcome.error_class == "UnreadableSourceError"
    assert outcome.details["files"] == [str(made.sources[number]) for number in (2, 4, 5)]
    assert "was cut off" in outcome.message and "it is empty" in outcome.message and "<html>" in outcome.message
    odd = odd_kept(made.workdir, made.project)
    assert in_short(odd) == "3 of unreadable, 1 of filters, 1 of units"
    assert [each.files[0] for each in odd[3:]] == [str(made.sources[ODD]), str(made.sources[1])]


def test_the_record_is_made_anew_by_each_scan_and_gone_with_an_initialisation(tmp_path: Path) -> None:
    made = project_with(tmp_path, DIFFERENCES["chunks"], cloud_format="zarr")
    made.through("scan")
    assert [odd.kind for odd in odd_kept(made.workdir, made.project)] == [Kind.CHUNKS]
    made.sources[ODD].unlink()
    base(made.root / "sources" / name(ODD), ODD * 4, 4).close()
    write_with(made.root / "sources", lambda dataset, number, _: DIFFERENCES["chunks"].change(dataset, number, False))
    made.through("scan")
    found = kept(made.workdir, made.project)
    assert found and found.odd == () and found.files == COUNT
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources), again=True)
    assert kept(made.workdir, made.project) is None


def test_a_computation_in_a_format_that_cannot_hold_them_is_refused_until_the_files_are_replaced(tmp_path: Path) -> None:
    made = project_with(tmp_path, DIFFERENCES["chunks"], cloud_format="zarr")
    made.through("scan")
    outcome = made.run("compute", cloud_format="kerchunk")
    assert outcome.error_class == "DifferingEncodingError" and outcome.details["files"] == [str(made.sources[ODD])]
    write_with(made.root / "sources", lambda dataset, number, _: DIFFERENCES["chunks"].change(dataset, number, False))
    assert made.run("compute", cloud_format="kerchunk").passed
    assert made.verified()["problems"] == []


def test_a_type_of_variable_length_is_named_at_the_scan(tmp_path: Path) -> None:
    made = Made(tmp_path.resolve())

    def change(dataset: Any, number: int, is_odd: bool) -> None:
        ragged = dataset.createVLType("i4", "ragged")
        dataset.createVariable("profile", ragged, ("time",))

    write_with(made.root / "sources", change)
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources))
    outcome = made.run("scan")
    assert outcome.error_class == "SourceError" and "profile" in outcome.message and str(made.sources[0]) in outcome.message


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_file_that_was_cut_off_anywhere_is_found(tmp_path: Path, form: str, keep: float) -> None:
    files = write(tmp_path, Series(format=form, lat=40, lon=50))
    cut_short(files[1], keep)
    assert list(survey(files).unreadable) == [files[1]]
    with pytest.raises(UnreadableSourceError, match=r"1 of 3 .*f_001\.nc \(it"):
        headers_of(files)


def test_the_length_of_an_hdf5_file_is_that_of_its_superblock(tmp_path: Path) -> None:
    import h5py

    for low in ("earliest", "v110"):
        with h5py.File(tmp_path / low, "w", libver=(low, "v110" if low != "earliest" else "latest")) as file:
            file["x"] = list(range(1000))
        assert hdf5_length((tmp_path / low).read_bytes()[:64]) == (tmp_path / low).stat().st_size
    assert hdf5_length(b"CDF\x01" + b"\0" * 60) is None


TWO_PROCESSES = """
import sys
from padocc_dagster.pipeline.comparison.children import children
from padocc_dagster.pipeline.joining.survey import survey
files = sys.argv[1:]
with children(2) as pool:
    assert pool is not None
    two = survey(files, None, pool)
assert two == survey(files)
assert len({id(header.variables) for header in two.headers}) == 1
print(*two.unreadable.items())
"""


def test_several_processes_find_the_same_as_one(tmp_path: Path) -> None:
    """In a process in which nothing has started a thread before, as a worker is."""
    files = [str(tmp_path / "before.nc"), *write(tmp_path, Series(lengths=(2,) * 60)), str(tmp_path / "gone.nc")]
    done = subprocess.run([sys.executable, "-c", TWO_PROCESSES, *files], capture_output=True, text=True, check=True)
    assert files[0] in done.stdout and files[-1] in done.stdout and done.stdout.count("No such file") == 2


def test_every_format_is_one_that_there_is() -> None:
    assert all({*difference.refused_by} <= {*ALL} for difference in DIFFERENCES.values())
    assert {difference.kind for difference in DIFFERENCES.values()} | {Kind.UNREADABLE, Kind.PARTIAL} == {*Kind}


def test_explain_lists_the_odd_files_of_a_project_that_goes_on(tmp_path: Path) -> None:
    from padocc_dagster.pipeline.steps.explained import explained

    made = project_with(tmp_path, DIFFERENCES["chunks"], cloud_format="zarr")
    made.through("scan")
    (line,) = explained(made.workdir, made.project).odd_files
    others = f"it has chunks of 2x12x14 in 5 other file(s), such as {made.sources[0]}"
    assert line == f"chunks: variable x has chunks of 4x12x14 in {made.sources[ODD]}; {others}. A Zarr store can hold that"
    assert explained(make(tmp_path / "alike").workdir, made.project).odd_files == ()


def test_an_error_of_a_library_is_explained_by_the_files_that_are_not_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project_with(tmp_path, DIFFERENCES["double"], cloud_format="zarr")
    made.through("scan")

    def stumble(*_: object) -> None:
        raise TypeError("ufunc 'isnan' not supported for the input types")

    monkeypatch.setattr(compute, "_zarr", stumble)
    message = attempt.compute(str(made.workdir.root), str(made.project))["message"]
    assert "isnan" in message and f"variable x is stored as <f8 in {made.sources[ODD]}" in message
