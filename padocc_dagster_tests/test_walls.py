"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import padocc_dagster

PACKAGE = Path(padocc_dagster.__file__).parent
HEAVY = ("padocc", "xarray", "kerchunk", "netCDF4", "numpy", "zarr", "dask", "pandas", "virtualizarr", "h5py")
SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
}
PROGRAMS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
SLURM = [path for path in FILES if path.parts[0] == "slurm"]


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


@pytest.mark.parametrize("path", SLURM, ids=str)
def test_slurm_imports_nothing_of_the_package_but_itself(path: Path) -> None:
    own = {name for name in imports(path) if name.split(".")[0] == "padocc_dagster"}
    assert not {name for name in own if not name.startswith("padocc_dagster.slurm")}


def program_calls(source: str) -> list[str]:
    """Where a source text imports subprocess, or names a program of SLURM as the first word of a list or of a call's arguments."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"line {node.lineno}: {name}" for name in names if name.split(".")[0] == "subprocess"]
        elif isinstance(node, ast.List | ast.Tuple | ast.Call):
            words = node.args if isinstance(node, ast.Call) else node.elts
            first = words[0].value if words and isinstance(words[0], ast.Constant) else None
            found += [f"line {node.lineno}: {first}"] if first in PROGRAMS else []
    return found


@pytest.mark.parametrize(
    "offence", ["import subprocess", "from subprocess import run", 'f(["squeue", "--me"])', 'f(("scancel",))', 'f("sbatch")']
)
def test_a_call_of_a_program_is_found(offence: str) -> None:
    assert program_calls(offence)


def test_what_only_speaks_of_a_program_calls_none() -> None:
    assert program_calls('"sbatch is asked"\ntext = f"sacct -j {5}"\nf("squeue printed no job", x)') == []


@pytest.mark.parametrize("path", SLURM, ids=str)
def test_slurms_programs_are_called_in_one_file(path: Path) -> None:
    found = program_calls((PACKAGE / path).read_text())
    if path.name == "host.py":  # it starts the command that a job is for
        found = [line for line in found if not line.endswith(": subprocess")]
    assert path.name == "client.py" or found == []


def test_what_every_job_starts_with_loads_the_standard_library_alone() -> None:
    script = "import sys; before = set(sys.modules); import padocc_dagster.slurm.host; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert roots(set(loaded)) - set(sys.stdlib_module_names) == {"padocc_dagster"}
    own = {name.removeprefix("padocc_dagster.slurm.") for name in loaded if name.startswith("padocc_dagster.slurm.")}
    assert own == {"host", "report", "cgroup", "leftovers"}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    assert not roots(imports(path, top_level_only=True)) & set(HEAVY)


def shell_uses(source: str) -> list[str]:
    """Where a source text names a function that takes a shell string, or passes `shell=` anything but False."""
    tree, names, found = ast.parse(source), {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and names.get(node.id) in SHELLS:
            found.append(f"line {node.lineno}: {names[node.id]}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{names.get(node.value.id, node.value.id)}.{node.attr}"
            found += [f"line {node.lineno}: {name}"] if name in SHELLS else []
        elif isinstance(node, ast.Call):
            shells = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "shell"]
            found += [f"line {node.lineno}: shell={value}" for value in shells if value != "False"]
    return found


@pytest.mark.parametrize(
    "offence",
    [
        'import os\nos.system("rm x")',
        'import os as o\no.popen("ls")',
        'from os import system as s\ns("ls")',
        'import subprocess\nsubprocess.run("ls",\n    shell = True)',
        'from subprocess import Popen\nPopen("ls", shell=flag)',
        'import subprocess\nsubprocess.getoutput("ls")',
    ],
)
def test_a_shell_string_is_found(offence: str) -> None:
    assert shell_uses(f"def f():\n    pass\n{offence}\n")


def test_what_only_speaks_of_a_shell_is_no_shell_string() -> None:
    harmless = 'import os, subprocess\n"never shell=True or os.system("\nsubprocess.run(["ls"], shell=False)\nos.remove("x")\n'
    assert shell_uses(harmless) == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_shell_strings_anywhere(path: Path) -> None:
    assert shell_uses((PACKAGE / path).read_text()) == []


def test_loading_the_definitions_loads_neither_padocc_nor_xarray_nor_kerchunk() -> None:
    script = f"import padocc_dagster.definitions, sys; print(*(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] not in ("cli.py", "commands")], ids=str)
def test_the_commands_are_asked_by_the_command_line_alone(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith("padocc_dagster.commands")}
