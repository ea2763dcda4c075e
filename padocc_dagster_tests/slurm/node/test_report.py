"""The report of a job: claimed by one, replaced in one step, and told apart from no report whatever has happened to it."""

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from padocc_dagster.slurm.node.report import Report, claim, read, write
from padocc_dagster_tests import cleanup

BEGAN = datetime(2026, 3, 1, 12, 30, 15, 250, UTC)
REPORT = Report(job_id=4711, host="node-7", began=BEGAN)
FULL = replace(
    REPORT,
    ended=BEGAN + timedelta(minutes=5),
    exit_status=3,
    signal=9,
    stop_signal="SIGTERM",
    out_of_memory=True,
    requeued=True,
    peak_memory_mib=1999,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for very little."""
    with cleanup.small_disk(tmp_path / "disk", "size=16k", "nr_inodes=10") as folder:
        yield folder


def fill(folder: Path) -> None:
    with open(folder / "filler", "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))


@pytest.mark.parametrize("report", [REPORT, FULL], ids=["begun", "all"])
def test_what_was_claimed_or_written_is_read_back(path: Path, report: Report) -> None:
    assert claim(path, report)
    assert read(path) == report
    assert write(path, FULL)
    assert read(path) == FULL
    assert os.listdir(path.parent) == [path.name]


def test_times_are_written_in_utc(path: Path) -> None:
    write(path, replace(REPORT, began=BEGAN.astimezone(timezone(timedelta(hours=5)))))
    assert '"began": "2026-03-01T12:30:15.000250+00:00"' in path.read_text()
    assert read(path) == REPORT


def test_no_file_is_no_report(path: Path) -> None:
    assert read(path) is None


def test_a_second_claim_is_refused_and_changes_nothing(path: Path) -> None:
    assert claim(path, REPORT)
    assert not claim(path, replace(REPORT, job_id=4712))
    assert not claim(path, REPORT)
    assert read(path) == REPORT
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without links"])
def test_of_twenty_claims_at_once_one_wins_and_the_file_names_it(path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    barrier = threading.Barrier(20)

    def claim_at_once(job_id: int) -> bool:
        barrier.wait()
        won = claim(path, replace(REPORT, job_id=job_id))
        found = read(path)
        assert not links or (found is not None and found.is_readable), "a claim was seen before its content"
        return won

    with ThreadPoolExecutor(20) as threads:  # they meet in the file system as processes do
        won = list(threads.map(claim_at_once, range(1, 21)))
    assert won.count(True) == 1
    found = read(path)
    assert found is not None and found.job_id == won.index(True) + 1
    assert os.listdir(path.parent) == [path.name]


def _no_links(source: Path, target: Path) -> None:
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


def test_a_link_that_was_made_though_the_answer_says_it_exists_is_a_claim(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def link_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", link_twice)
    assert claim(path, REPORT)
    assert not claim(path, REPORT)


def test_a_claim_in_a_folder_that_is_not_there_is_an_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        claim(path / "below" / "run.json", REPORT)
    assert not write(path / "below" / "run.json", REPORT)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"job_id": 5}',
        b'{"job_id": "5", "host": "a", "began": "2026-03-01T12:30:15+00:00", "ended": null}',
        b'{"job_id": 5, "host": "a", "began": null, "ended": null}',
        b'{"job_id": 5, "host": "a", "began": "yesterday", "ended": null}',
        b'{"job_id": 5, "host": "a", "began": "2026-03-01T12:30:15+00:00", "ended": null, "colour": "red"}',
        b'{"job_id": 5, "host": "a", "began": "2026-03-01T12:30:15+00:00", "ended": null, "signal": "KILL"}',
        bytes(300),
    ],
)
def test_a_damaged_report_is_a_claim_of_nobody_known(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    os.utime(path, (BEGAN.timestamp(), BEGAN.timestamp()))
    found = read(path)
    assert found is not None and not found.is_readable
    assert abs(found.began - BEGAN) < timedelta(seconds=1)
    assert not claim(path, REPORT)


def test_a_reader_never_sees_a_report_half_written(path: Path) -> None:
    claim(path, REPORT)
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(lambda: [write(path, replace(FULL, job_id=number, host="n" * number)) for number in range(1, 300)])
        seen = set()
        while not writing.done():
            found = read(path)
            assert found is not None and found.is_readable
            seen.add(found.job_id)
    assert len(seen) > 1


def test_a_report_that_is_replaced_while_it_is_read_is_read_anew_as_nfs_needs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(path, REPORT)
    real, stale = os.fstat, iter([True, True, False])

    def fstat(descriptor: int) -> os.stat_result:
        if next(stale):
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    assert read(path) == REPORT


def test_on_a_full_disk_a_claim_counts_once_and_a_new_report_is_refused(small_disk: Path) -> None:
    fill(small_disk)
    path = small_disk / "run.json"
    assert claim(path, REPORT)
    assert not claim(path, replace(REPORT, job_id=1))
    found = read(path)
    assert found is not None and not found.is_readable
    assert not write(path, FULL)
    assert sorted(os.listdir(small_disk)) == ["filler", "run.json"]
    (small_disk / "filler").unlink()
    assert write(path, FULL)
    assert read(path) == FULL


def test_on_a_disk_without_room_for_a_name_a_claim_is_an_error(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        for number in range(20):
            (small_disk / f"{number}").touch()
    with pytest.raises(OSError, match="No space"):
        claim(small_disk / "run.json", REPORT)
