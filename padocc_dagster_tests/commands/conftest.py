"""The command line, run in this process on a working directory of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.commands import ask
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster_tests.pipeline.conftest import at, stages  # noqa: F401 (fixtures)

Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Call a command of a working directory: `command(workdir, "tick", "a:one", why="…")`."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(ask, "account", lambda: "ada")

    def run(workdir: Workdir, *words: str, why: str | None = "a reason", who: str | None = "ada") -> Result:
        by = [] if why is None else ["--why", why, *(["--who", who] if who is not None else [])]
        return CliRunner().invoke(app, [*words, "-w", str(workdir.root), *by], catch_exceptions=False)

    return run


def files_of(root: Path) -> dict[str, bytes]:
    """Every file of the working directory but the locks, with its content. A folder of an instance is not to be there."""
    assert not (root / "dagster").exists()
    locks = root / "locks"
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_relative_to(locks)}
