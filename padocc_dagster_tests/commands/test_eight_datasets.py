"""Eight datasets as somebody brings them, four with a fault: `check`, `status` and `explain` say what it is, and the remedies help."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.pipeline.publishing import verify
from padocc_dagster.pipeline.running import attempt
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.selection import read_group_config
from padocc_dagster_tests.make_netcdf import Series, cut_short, write
from padocc_dagster_tests.pipeline.projects import initialised

GROUP = "try"
SERIES = {
    "tas_day": Series(lengths=(4, 4, 4), bounds=True, meaning=True),
    "pr_mon": Series(lengths=(3, 3, 3), chunk=1, varying_units=True, bounds=True),
    "orog_mon": Series(lengths=(2, 2), orog=True),
    "sst": Series(lengths=(4, 4), packed=True),
    "missing": Series(),
    "mixed": Series(),
    "truncated": Series(lat=24, lon=36),
    "chunks": Series(lengths=(4, 4, 4, 4), lat=12, lon=12),
}
FORMATS = {"pr_mon": "zarr", "orog_mon": "CFA"}
STOPPED = {
    "missing": ("SourceNotFoundError", "f_001.nc", ""),
    "mixed": ("DifferingVariablesError", "f_009.nc", "extra"),
    "truncated": ("UnreadableSourceError", "f_001.nc", ""),
    "chunks": ("DifferingEncodingError", "f_002.nc", "tas"),
}
"""Project → error class, the file at fault, and the variable."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The source files, as they are found first."""
    root = tmp_path.resolve()
    for code, series in SERIES.items():
        write(root / "sources" / code, series)
    cut_short(root / "sources/truncated/f_001.nc")
    write(root / "more", Series(lengths=(4,), names=("f_009.nc",), later_variable=True))
    (root / "more/f_009.nc").rename(root / "sources/mixed/f_009.nc")
    write(root / "other", Series(lengths=(4, 4, 4), chunk=4, lat=12, lon=12))
    (root / "other/f_002.nc").rename(root / "sources/chunks/f_002.nc")
    return root


def config_of(root: Path, **patterns: str) -> Path:
    """The group config, as JSON, which is YAML as well."""
    projects: list[dict[str, Any]] = [{"code": code, "pattern": f"{root}/sources/{code}/*.nc"} for code in SERIES]
    for project in projects:
        code = project["code"]
        project |= {"options": {"cloud_format": FORMATS[code]}} if code in FORMATS else {}
        project |= {"pattern": patterns[code]} if code in patterns else {}
    path = root / f"{GROUP}.yaml"
    path.write_text(json.dumps({"projects": projects}))
    return path


def taken_far(workdir: Workdir, project: Project) -> str:
    """The project taken through all phases in this process. Returns the error class at which it stopped; empty where it is published."""
    words = str(workdir.root), str(project)
    for phase in (attempt.scan, attempt.compute, verify.verify, attempt.validate, attempt.publish):
        outcome = phase(*words)
        if not outcome.get("passed", outcome.get("verdict") in ("ok", "warned")):
            return str(outcome.get("error_class"))
    return ""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("COLUMNS", "1000")

    def run(*words: str, exits: int = 0) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == exits, result.output
        return result.output

    return run


def test_each_fault_is_named_by_file_and_variable_and_after_its_remedy_all_eight_are_published(
    root: Path, command: Callable[..., str]
) -> None:
    nowhere = f"{root}/sources/nowhere/*.nc"
    assert nowhere in command("check", str(config_of(root, sst=nowhere)), exits=1)

    workdir = Workdir(root / "work")
    where = ("-w", str(workdir.root))
    initialised(workdir, GROUP, *read_group_config(config_of(root)).projects)
    manage(workdir, GROUP)
    gone = root / "sources/missing/f_001.nc"
    gone.rename(root / "gone.nc")
    projects = [Project(GROUP, code) for code in SERIES]
    assert "0 of 8 published" in command("status", GROUP, *where)
    assert {project.code: taken_far(workdir, project) for project in projects} == {
        code: STOPPED[code][0] if code in STOPPED else "" for code in SERIES
    }
    status = command("status", GROUP, *where)
    assert "4 of 8 published" in status and "4 stopped" in status

    remedies = {code: explained(command, code, where) for code in STOPPED}
    (root / "gone.nc").rename(gone)
    write(root / "sources/truncated", SERIES["truncated"])
    for code, words in remedies.items():
        pattern = f"pattern={root}/sources/{code}/f_00[0-2].nc"
        command(*(pattern if word.startswith("pattern=") else word for word in words), "--who", "ada")
        assert taken_far(workdir, Project(GROUP, code)) == "", code
    assert "8 of 8 published" in command("status", GROUP, *where)


def explained(command: Callable[..., str], code: str, where: tuple[str, ...]) -> list[str]:
    """What `explain` says of a project that stopped, checked. Returns the words of the remedy that is tried: the first that fits."""
    error_class, file, variable = STOPPED[code]
    said = command("explain", f"{GROUP}:{code}", *where)
    why = next(line for line in said.splitlines() if line.startswith("Why: "))
    assert error_class in why and f"/sources/{code}/{file}" in why and variable in why
    assert "Traceback" not in said and ", line " not in said
    commands = [shlex.split(line)[1:] for line in said.splitlines() if line.startswith("    padocc-dagster ")]
    wanted = {"missing": "rescan", "truncated": "rescan", "mixed": "edit", "chunks": "cloud_format=zarr"}[code]
    return next(words for words in commands if wanted in words and not any(word.startswith("dropped=") for word in words))
