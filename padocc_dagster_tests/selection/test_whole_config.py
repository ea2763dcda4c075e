"""A config as a whole: all its problems at once, nothing written, no data file opened, in little time."""

import contextlib
import os
import subprocess
import sys
import time

import pytest

from padocc_dagster.selection import ConfigRejected, Problem, read_group_config

BAD_CSV = """\
# sources of the second release
proj_code,pattern,updates,removals

good,{data}/*.nc,,,tas
a;touch x,{data}/n_*.nc,up.json
good,m_*.nc,,,a b
GOOD,list.txt

x,"{data}
"""

BAD_YAML = """\
group: a b
option: {{}}
options: {{cfa: maybe}}
projects:
  - code: good
    pattern: {data}/*.nc
  - code: ../x
    patern: {data}/*.nc
    updates:
      title: 2020-01-01
  - code: good
    pattern: {data}/n*
    removals: [3]
    variables: [a b]
    options: {{cloud_format: zarr, aggregator: K}}
"""


def tree(folder):
    """Every path below, with what changes when it is written to."""
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size, path.lstat().st_ino) for path in [folder, *folder.rglob("*")]}


def test_all_problems_of_a_csv_are_told_at_once(write, data, problems):
    found = problems(write(BAD_CSV.format(data=data)))
    words = ["updates file", "project code", "matches nothing"]
    words += [
        "an entry of variables is 'a b'",
        "the code is on line 4 too",
        "not an absolute path",
        "differs from 'good'",
        "file list",
        "the quotes",
    ]
    assert [int(problem.split(":")[0].removeprefix("line ")) for problem in found] == [5, 5, 5, 6, 6, 6, 7, 7, 9]
    assert all(word in problem for word, problem in zip(words, found, strict=True)), found


def test_all_problems_of_a_yaml_are_told_at_once(write, data, problems):
    found = problems(write(BAD_YAML.format(data=data), "cci.yaml"))
    lines = [int(problem.split(":")[0].removeprefix("line ")) for problem in found]
    assert lines == [1, 2, 3, 7, 7, 8, 10, 11, 11, 11, 12, 13, 14]
    words = ["group 'a b'", "'option'", "options.cfa", "project code", "has no source files", "did you mean 'pattern'"]
    words += ["put dates in quotes", "the code is on line 5"]
    words += ["keeps all variables", "has no part", "matches nothing", "an entry of removals is 3", "an entry of variables is 'a b'"]
    assert all(any(word in problem for problem in found) for word in words), found


def test_the_error_carries_the_path_and_the_problems(write, data):
    path = write("a1b,data/*.nc\n")
    with pytest.raises(ConfigRejected) as caught:
        read_group_config(path)
    sentence = "project 'a1b': pattern 'data/*.nc' is not an absolute path: begin it with '/'"
    assert (caught.value.path, caught.value.problems) == (path, (Problem(1, sentence),))
    assert str(caught.value) == f"cci.csv is not accepted (1 problem):\n  line 1: {sentence}"
    assert str(Problem(None, "x")) == "x"


@pytest.mark.parametrize(("text", "name"), [(BAD_CSV, "cci.csv"), (BAD_YAML, "cci.yaml"), ("a1b,{data}/**\n", "cci.csv")])
def test_nothing_is_written_anywhere(text, name, write, data, tmp_path, monkeypatch):
    (data / "cwd").mkdir()
    monkeypatch.chdir(data / "cwd")
    path = write(text.format(data=data), name)
    before = tree(tmp_path)
    with contextlib.suppress(ConfigRejected):
        read_group_config(path)
    assert tree(tmp_path) == before


def test_the_config_is_all_that_is_opened(write, data):
    path = write(f"a1b,{data}/**\ne1,{data}/m_*.nc\nb1,list.txt\n")
    write(f"{data}/m_1.nc\n", "list.txt")
    program = (
        "import sys, pathlib\n"
        "from padocc_dagster.selection import read_group_config\n"
        "sys.addaudithook(lambda event, args: event == 'open' and print(args[0]))\n"
        "read_group_config(pathlib.Path(sys.argv[1]))\n"
        "heavy = {'padocc', 'dagster', 'xarray', 'numpy', 'kerchunk', 'zarr'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    opened = [name for name in done.stdout.split("\n") if name.startswith(str(path.parent))]
    assert opened == [str(path), str(path.parent / "list.txt")]


@pytest.mark.parametrize("flat", [False, True], ids=["a folder each", "one folder"])
def test_a_thousand_projects_are_checked_in_a_few_seconds(flat, write, tmp_path):
    rows = []
    for project in range(1000):
        stem = tmp_path / "data" / (f"p{project}_" if flat else f"p{project}/")
        (stem if not flat else stem.parent).mkdir(parents=True, exist_ok=True)
        for month in range(5):
            (tmp_path / "data" / f"p{project}{'_' if flat else '/'}{month}.nc").write_bytes(b"x")
        rows.append(f"p{project},{tmp_path}/data/p{project}{'_' if flat else '/'}*.nc,,\n")
    path = write("".join(rows))
    begin = time.perf_counter()
    config = read_group_config(path)
    assert time.perf_counter() - begin < 5
    assert {len(project.files) for project in config.projects} == {5}


def test_fifty_thousand_files_of_one_project_are_checked_in_a_few_seconds(write, data, problems):
    write("\n".join(f"{data}/m_{number}.nc" for number in range(50_000)), "list.txt")
    begin = time.perf_counter()
    (found,) = problems(write("a1b,list.txt\n"))
    assert time.perf_counter() - begin < 10
    assert "49997 of 50000 source files" in found
