"""What one `stat` says of a source file, and by which a later look sees that it changed."""

import os
import time
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.source_states import digest, state_of, states_of


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for number in range(3):
        (tmp_path / f"f_{number}.nc").write_bytes(bytes(100 + number))
    return sorted(map(str, tmp_path.iterdir()))


def with_times_of(path: str, times: os.stat_result) -> None:
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_state_holds_what_stat_says(files: list[str]) -> None:
    status, state = os.stat(files[0]), state_of(files[0])
    assert (state.path, state.size, state.mtime_ns) == (files[0], status.st_size, status.st_mtime_ns)
    assert (state.ctime_ns, state.inode, state.checksum) == (status.st_ctime_ns, status.st_ino, "")


def test_a_file_changed_with_its_time_put_back_has_another_digest(files: list[str]) -> None:
    before, times = digest(states_of(files)), os.stat(files[1])
    while time.time_ns() // 10**7 <= times.st_ctime_ns // 10**7:  # the file system's clock is coarse
        pass
    Path(files[1]).write_bytes(b"x" * times.st_size)
    with_times_of(files[1], times)
    assert os.stat(files[1]).st_mtime_ns == times.st_mtime_ns
    assert digest(states_of(files)) != before


def test_another_file_of_equal_size_and_time_has_another_digest(files: list[str]) -> None:
    before, times = digest(states_of(files)), os.stat(files[1])
    other = Path(files[1] + ".new")
    other.write_bytes(b"x" * times.st_size)
    with_times_of(str(other), times)
    os.rename(other, files[1])
    assert digest(states_of(files)) != before


def test_the_order_of_the_files_counts(files: list[str]) -> None:
    assert digest(states_of(files)) != digest(states_of(reversed(files)))


def test_a_missing_file_is_named(files: list[str]) -> None:
    os.remove(files[2])
    with pytest.raises(FileNotFoundError, match="f_2.nc"):
        states_of(files)
