"""Files that other processes replace, as NFS shows them: opened, and stale before they are read."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir import files
from padocc_dagster.pipeline.workdir.files import read_json, read_lines, read_text
from padocc_dagster.pipeline.workdir.status import append_row, read_rows

Stale = Callable[[int], None]


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> Stale:
    """Let files be stale so many times."""
    real = Path.read_bytes

    def for_times(times: int) -> None:
        left = iter(range(times))

        def read_bytes(path: Path) -> bytes:
            if next(left, None) is not None:
                raise OSError(errno.ESTALE, "Stale file handle", str(path))
            return real(path)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)

    return for_times


@pytest.mark.parametrize("read", [read_json, read_lines, read_text], ids=lambda read: read.__name__)
def test_a_file_that_is_replaced_while_it_is_read_is_read_anew(tmp_path: Path, stale: Stale, read: Callable[[Path], object]) -> None:
    path = tmp_path / "file"
    path.write_text("{}")
    expected = read(path)
    stale(3)
    assert read(path) == expected


def test_a_status_log_that_is_replaced_while_it_is_read_is_read_anew(tmp_path: Path, stale: Stale) -> None:
    append_row(tmp_path / "log", "scan", "Success")
    stale(1)
    append_row(tmp_path / "log", "compute", "Success")
    stale(1)
    assert [row.phase for row in read_rows(tmp_path / "log")] == ["scan", "compute"]


def test_a_file_that_stays_stale_is_reported(tmp_path: Path, stale: Stale) -> None:
    stale(files.ATTEMPTS)
    with pytest.raises(OSError, match="Stale file handle"):
        read_text(tmp_path / "file")


def test_any_line_break_is_one_as_where_a_file_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\nb\rc\n")
    assert read_text(path) == path.read_text() == "a\nb\nc\n"
