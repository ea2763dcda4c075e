"""A file that no kerchunk driver reads ends the phase with the true reason, at once."""

import io
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from padocc_dagster.pipeline.making.drivers import NoDriverError, fitting_drivers, is_grib
from padocc_dagster.pipeline.remedies import EXPLANATIONS, remedy_for
from padocc_dagster.pipeline.running.progress import LIMIT
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

GRIB_TRIED_IN_VAIN = 1000


def series(folder: Path, file_format: str, count: int = 3) -> list[Path]:
    """Files along time, the numbers of whose values CDF5 alone can hold where it is the format."""
    folder.mkdir()
    chunks = {"chunksizes": (4,)} if file_format == "NETCDF4" else {}
    paths = [folder / f"f_{number}.nc" for number in range(count)]
    for number, path in enumerate(paths):
        with netCDF4.Dataset(path, "w", format=file_format) as dataset:
            dataset.createDimension("time", None)
            time = dataset.createVariable("time", "f8", ("time",), **chunks)
            time.units = "days since 2000-01-01"
            time[:] = np.arange(4) + 4 * number
            ids = dataset.createVariable("ids", "u8" if file_format == "NETCDF3_64BIT_DATA" else "i4", ("time",), **chunks)
            ids.note = "XXC"
            ids[:] = np.arange(4)
    return paths


def cdf5(folder: Path) -> list[Path]:
    return series(folder, "NETCDF3_64BIT_DATA")


def latin1(folder: Path) -> list[Path]:
    """Each file has an attribute that is no UTF-8."""
    paths = series(folder, "NETCDF3_CLASSIC")
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"XXC", "°C ".encode("latin-1")[:3]))
    return paths


def cdf5_among_others(folder: Path) -> list[Path]:
    """The last of otherwise readable files is CDF5."""
    paths = series(folder, "NETCDF3_CLASSIC")
    classic = paths[-1].rename(folder / "classic")
    with netCDF4.Dataset(classic) as old, netCDF4.Dataset(paths[-1], "w", format="NETCDF3_64BIT_DATA") as new:
        for name, dimension in old.dimensions.items():
            new.createDimension(name, None if dimension.isunlimited() else len(dimension))
        for name, variable in old.variables.items():
            copy = new.createVariable(name, variable.dtype, variable.dimensions)
            copy.setncatts(variable.__dict__)
            copy[:] = variable[:]
    classic.unlink()
    return paths


def taken_far(tmp_path: Path, files: list[Path]) -> tuple[Made, Outcome]:
    """A project taken through the scan, which reads two files, and compute, which reads all; and the first failure."""
    made = Made(tmp_path, Project("grp", "proj"))
    initialised(made.workdir, "grp", spec("proj", files))
    outcome = made.run("scan")
    return made, made.run("compute") if outcome.passed else outcome


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("written", "named", "reason"),
    [
        (cdf5, "f_0.nc", "NetCDF3: ValueError: Unexpected header."),
        (latin1, "f_0.nc", "NetCDF3: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xb0"),
        (cdf5_among_others, "f_2.nc", "NetCDF3: ValueError: Unexpected header."),
    ],
)
def test_a_file_that_no_driver_reads_is_named_with_every_drivers_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Callable[[Path], list[Path]], named: str, reason: str
) -> None:
    monkeypatch.setenv(LIMIT, "1")  # the watchdog must have nothing to do
    made, outcome = taken_far(tmp_path, written(tmp_path / "sources"))
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "NoDriverError")
    assert outcome.message.startswith(f"no kerchunk driver reads {tmp_path}/sources/{named} (")
    assert reason in outcome.message and "HDF5: OSError" in outcome.message and "TIFF: TiffFileError" in outcome.message
    assert "GRIB" not in outcome.message
    assert made.statuses[-1][1].endswith("Failed-NoDriverError")
    assert remedy_for(made.statuses[-1][1]) is EXPLANATIONS["NoDriverError"]


def test_files_that_another_driver_reads_are_no_problem(tmp_path: Path) -> None:
    _, outcome = taken_far(tmp_path, series(tmp_path / "sources", "NETCDF4"))
    assert outcome.passed


def test_a_grib_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    for content, grib in ((b"GRIB\0\0\0\2", True), (b"CDF\5 GRIB", False), (b"GRI", False), (b"", False)):
        (tmp_path / "file").write_bytes(content)
        assert is_grib(tmp_path / "file") is grib


@pytest.mark.parametrize(("content", "tried"), [(b"GRIB rest", True), (b"CDF\5 rest", False)])
def test_the_grib_driver_is_tried_on_grib_files_alone(tmp_path: Path, content: bytes, tried: bool) -> None:
    with fitting_drivers():
        assert grib_is_tried(tmp_path, content, NoDriverError) is tried


def test_padocc_still_tries_the_grib_driver_on_any_file(tmp_path: Path) -> None:
    """When this fails, `making/drivers.py` needs no look at the first bytes (`padocc/phases/compute.py:96`)."""
    from padocc.core.errors import KerchunkDriverFatalError

    assert grib_is_tried(tmp_path, b"CDF\5 rest", KerchunkDriverFatalError)


def grib_is_tried(tmp_path: Path, content: bytes, error: type[Exception]) -> bool:
    from padocc.phases.compute import KerchunkConverter

    path, tried = tmp_path / "file.nc", []
    path.write_bytes(content)
    converter = KerchunkConverter(bypass_driver=True)
    converter.drivers["grib"] = lambda path, **_: tried.append(path)
    with pytest.raises(error):
        converter.run(str(path))
    return bool(tried)


def test_kerchunks_grib_reader_still_never_ends_on_other_files() -> None:
    """When this fails, the loop of `kerchunk/grib2.py:65` ends, and D1 was no more than a wrong error."""
    from kerchunk.grib2 import _split_file

    class Endless(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads > GRIB_TRIED_IN_VAIN:
                raise TimeoutError
            return super().read(size)

    with pytest.raises(TimeoutError):
        list(_split_file(Endless(b"CDF\5" + bytes(4096))))
