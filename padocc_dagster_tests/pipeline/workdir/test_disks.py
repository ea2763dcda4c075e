"""Which disk is full, and that only a full disk is called one."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from padocc_dagster.doctor.folder import check_folder
from padocc_dagster.pipeline.publishing import verify
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.call import OperationFailedError, WorkerDiedError
from padocc_dagster.pipeline.workdir.disks import DiskFullError, full_disk, full_folders, naming_full_disk
from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.cleanup import fill, small_disk

PROJECT = Project("g", "p")


@pytest.fixture
def completed(tmp_path: Path) -> Iterator[Path]:
    """The folder of what is published, on a disk of its own."""
    with small_disk(tmp_path / "completed", "size=2m") as folder:
        yield folder


def test_a_disk_is_named_by_the_file_that_could_not_be_written(tmp_path: Path, completed: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/proc/version", None, str(completed / "g" / "p.json"))
    found = full_disk(error, Workdir(tmp_path), PROJECT)
    assert str(found) == (
        f"the disk of {completed}/g/p.json is full: {completed} has 2 MiB left (No space left on device). "
        "Free space on it, or have it or your quota made larger"
    )


def test_a_disk_is_found_where_the_error_names_no_file(tmp_path: Path, completed: Path) -> None:
    with fill(completed), pytest.raises(DiskFullError, match=f"the disk of {completed} is full: {completed} has 0 MiB left"):
        with naming_full_disk(Workdir(tmp_path), PROJECT):
            write_text(completed / "report", "x" * 5000)
    assert full_folders((tmp_path, completed)) == []


def test_a_disk_without_room_for_another_file_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "few", "size=2m", "nr_inodes=2") as few:
        (few / "one").touch()
        assert full_folders((tmp_path, few, few / "not there")) == [few]


def test_an_error_that_comes_of_a_full_disk_is_one(tmp_path: Path) -> None:
    try:
        try:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        except OSError as cause:
            raise ValueError("PADOCC's own words") from cause
    except ValueError as error:
        assert isinstance(full_disk(error, Workdir(tmp_path)), DiskFullError)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), OSError("no number"), ValueError("No space left on device")])
def test_no_other_error_is_called_a_full_disk(tmp_path: Path, error: Exception) -> None:
    assert full_disk(error, Workdir(tmp_path), PROJECT) is None
    with pytest.raises(type(error)) as caught, naming_full_disk(Workdir(tmp_path)):
        raise error
    assert caught.value is error


def test_a_phase_whose_end_could_not_be_recorded_stays_due_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OperationFailedError(DiskFullError.__name__, "the disk of /work is full")

    monkeypatch.setattr(phases, "call", full)
    workdir = Workdir(tmp_path)
    workdir.project_dir(PROJECT).mkdir(parents=True)
    outcome = phases.scan(workdir, PROJECT)
    assert (outcome.verdict, outcome.status, outcome.row) == (Verdict.FAILED, "", 0) and outcome.error_class == "DiskFullError"
    assert outcome.message == "the disk of /work is full. The phase starts again when there is room"
    assert not list(workdir.project_dir(PROJECT).iterdir())


def test_an_end_that_a_full_disk_does_not_take_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise WorkerDiedError("scan", -9)

    monkeypatch.setattr(phases, "call", killed)
    with small_disk(tmp_path / "work", "size=2m") as folder:
        workdir = Workdir(folder)
        workdir.project_dir(PROJECT).mkdir(parents=True)
        with fill(folder):
            assert phases.scan(workdir, PROJECT).row == 0
        assert not workdir.status_log(PROJECT).exists()


def test_a_comparison_names_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "work", "size=2m") as folder:
        with fill(folder), pytest.raises(DiskFullError, match=f"{folder} has 0 MiB left"):
            verify.verify(str(folder), str(PROJECT))


def test_the_doctor_names_a_full_disk(completed: Path) -> None:
    with fill(completed):
        line = check_folder("WORKDIR", completed, "make it")
    assert f"the disk of {completed} is full: {completed} has 0 MiB left: free space on it" in line.text
