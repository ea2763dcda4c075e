"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import padocc_dagster

PACKAGE = Path(padocc_dagster.__file__).parent
HEAVY = ("padocc", "xarray", "kerchunk", "netCDF4", "numpy", "zarr", "dask", "pandas", "virtualizarr", "h5py")
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    tree = ast.parse((PACKAGE / path).read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_padocc_is_imported_in_pipeline_alone(path: Path) -> None:
    assert path.parts[0] == "pipeline" or "padocc" not in roots(imports(path))


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] in ("pipeline", "selection")], ids=str)
def test_pipeline_and_selection_know_no_dagster(path: Path) -> None:
    assert "dagster" not in roots(imports(path))


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "pipeline"], ids=str)
def test_pipeline_imports_nothing_of_the_package_but_itself(path: Path) -> None:
    own = {name for name in imports(path) if name.startswith("padocc_dagster.")}
    assert not {name for name in own if not name.startswith("padocc_dagster.pipeline")}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    assert not roots(imports(path, top_level_only=True)) & set(HEAVY)


def test_no_shell_strings_anywhere() -> None:
    assert not [path for path in FILES if {"os.system", "shell=True"} & set((PACKAGE / path).read_text().split("("))]
    assert not [path for path in FILES if "shell=True" in (PACKAGE / path).read_text()]


def test_loading_the_definitions_loads_neither_padocc_nor_xarray_nor_kerchunk() -> None:
    script = f"import padocc_dagster.definitions, sys; print(*(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
