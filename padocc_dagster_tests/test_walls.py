"""The walls that no tool knows: import-linter holds the others (pyproject.toml), and ruff what is banned at module level."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import padocc_dagster

PACKAGE = Path(padocc_dagster.__file__).parent
HEAVY = ("padocc", "xarray", "kerchunk", "netCDF4", "numpy", "zarr", "dask", "pandas", "virtualizarr", "h5py")
PROGRAMS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")


def offences(find: Callable[[str], list[str]], folder: Path = PACKAGE) -> dict[str, list[str]]:
    """File of the package → what `find` finds in its source text, where it finds something."""
    found = {path.relative_to(folder).as_posix(): find(path.read_text()) for path in folder.rglob("*.py")}
    return {name: lines for name, lines in found.items() if lines}


def program_calls(source: str) -> list[str]:
    """Where a source text names a program of SLURM as the first word of a list or of a call's arguments."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.List | ast.Tuple | ast.Call):
            words = node.args if isinstance(node, ast.Call) else node.elts
            first = words[0].value if words and isinstance(words[0], ast.Constant) else None
            found += [f"line {node.lineno}: {first}"] if first in PROGRAMS else []
    return found


@pytest.mark.parametrize("offence", ['f(["squeue", "--me"])', 'f(("scancel",))', 'f("sbatch")'])
def test_a_call_of_a_program_is_found(offence: str) -> None:
    assert program_calls(offence)


def test_what_only_speaks_of_a_program_calls_none() -> None:
    assert program_calls('"sbatch is asked"\ntext = f"sacct -j {5}"\nf("squeue printed no job", x)') == []


def test_slurms_programs_are_called_in_one_file() -> None:
    assert offences(program_calls, PACKAGE / "slurm").keys() == {"scheduler/client.py"}


def test_what_every_job_starts_with_loads_the_standard_library_alone() -> None:
    script = "import sys; before = set(sys.modules); import padocc_dagster.slurm.node.host; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) == {"padocc_dagster"}


def shells(source: str) -> list[str]:
    """Where a source text passes `shell=` anything but False. Ruff bans the functions that take nothing but a shell string."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [(node.lineno, ast.unparse(keyword.value)) for node in calls for keyword in node.keywords if keyword.arg == "shell"]
    return [f"line {line}: shell={value}" for line, value in given if value != "False"]


@pytest.mark.parametrize("offence", ['subprocess.run("ls",\n    shell = True)', 'Popen("ls", shell=flag)'])
def test_a_shell_string_is_found(offence: str) -> None:
    assert shells(f"def f():\n    pass\n{offence}\n")


def test_what_only_speaks_of_a_shell_is_no_shell_string() -> None:
    assert shells('"never shell=True"\nsubprocess.run(["ls"], shell=False)\n') == []


def test_no_shell_strings_anywhere() -> None:
    assert offences(shells) == {}


def test_loading_the_definitions_loads_neither_padocc_nor_xarray_nor_kerchunk() -> None:
    script = f"import padocc_dagster.definitions, sys; print(*(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
