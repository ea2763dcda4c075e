"""What a stranger installs: the wheel and the sdist hold all that runs and all that a site begins with, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = "padocc_dagster"


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def test_the_wheel_has_every_file_of_the_package_and_no_other_package(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[1]).namelist()
    packed = {name for name in names if name.startswith(f"{PACKAGE}/")}
    assert packed == files_below(ROOT / PACKAGE)
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {PACKAGE}


def test_the_wheel_brings_all_that_a_site_begins_with(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[1]).namelist()
    brought = {name.partition("/data/share/padocc-dagster/")[2] for name in names if "/data/share/" in name}
    assert brought == files_below(ROOT / "deploy")


def test_the_sdist_has_the_tests_the_documents_and_the_licence(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "Makefile",
        "docs/architecture.md",
        "deploy/slurm/dagster.yaml",
    } <= names
    assert "padocc_dagster_tests/test_distribution.py" in names


def test_the_installed_wheel_runs_and_says_its_licence(built: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, built[1]], check=True)
    command = [sys.executable, "-P", "-c", f"import {PACKAGE}.cli as cli; print(cli.__file__); cli.app(['--help'])"]
    shown = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True).stdout
    assert shown.startswith(str(target)) and "doctor" in shown
    [metadata] = target.glob("*.dist-info/METADATA")
    fields = HeaderParser().parsestr(metadata.read_text())
    assert fields["License-Expression"] == "BSD-3-Clause" and fields["Name"] == "padocc-dagster"
    assert (target / "share" / "padocc-dagster" / "deploy" / "jasmin-lotus2.yaml").is_file()


def test_the_citation_is_whole() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation) and citation["license"] == "BSD-3-Clause"
