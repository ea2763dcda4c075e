"""A folder of small source files and the two ways of writing a group config. The files hold no data: nothing here opens them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.selection import ConfigRejected, read_group_config


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three source files whose order by name is not their natural order."""
    folder = tmp_path / "data"
    folder.mkdir()
    for month in (1, 2, 10):
        (folder / f"m_{month}.nc").write_bytes(b"x")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file beside the configs and return its path."""

    def writer(text: str | bytes, name: str = "cci.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


@pytest.fixture
def problems() -> Callable[[Path], list[str]]:
    """The problems of a config that is refused, as sentences with their lines."""

    def reader(path: Path) -> list[str]:
        with pytest.raises(ConfigRejected) as caught:
            read_group_config(path)
        lines = str(caught.value).split("\n")
        assert path.name in lines[0]
        assert [line.strip() for line in lines[1:]] == [str(problem) for problem in caught.value.problems]
        return [str(problem) for problem in caught.value.problems]

    return reader
