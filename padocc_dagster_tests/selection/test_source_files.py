"""Single source files: what cannot be one is told by kind, with the count and the first three names."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from padocc_dagster.selection import read_group_config

NOBODY = 65534


@contextmanager
def as_another_user():
    """Give up root's rights for a while; other users go on as themselves."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def faults(write, problems):
    """The faults of one project, without what comes before and after."""

    def reader(source: str) -> list[str]:
        found = problems(write(f"a1b,{source}"))
        assert all(problem.startswith("line 1: project 'a1b': ") for problem in found)
        return [problem.removeprefix("line 1: project 'a1b': ").split("; ")[0] for problem in found]

    return reader


def test_a_link_that_leads_nowhere_is_refused(data, faults):
    (data / "m_3.nc").symlink_to(data / "gone.nc")
    assert faults(f"{data}/*.nc") == [f"1 of 4 source files: does not exist, or is a link that leads nowhere: '{data}/m_3.nc'"]


def test_a_link_that_leads_to_itself_is_refused(data, faults):
    (data / "m_3.nc").symlink_to(data / "m_3.nc")
    assert "does not exist, or is a link" in faults(f"{data}/*.nc")[0]


def test_a_folder_named_as_a_source_file_is_refused(data, faults):
    (data / "x.nc").mkdir()
    assert faults(f"{data}/*") == [f"1 of 4 source files: a folder: '{data}/x.nc'"]


def test_a_pipe_is_refused(data, faults):
    os.mkfifo(data / "p.nc")
    assert faults(f"{data}/*") == [f"1 of 4 source files: not an ordinary file: '{data}/p.nc'"]


def test_empty_files_are_refused(data, faults):
    for number in (5, 11, 6, 7):
        (data / f"m_{number}.nc").touch()
    names = f"'{data}/m_5.nc', '{data}/m_6.nc', '{data}/m_7.nc' and 1 more"
    assert faults(f"{data}/*") == [f"4 of 7 source files: empty (0 bytes): {names}"]


@pytest.mark.parametrize("name", ["x.grib", "x.NC", "x.nc4", "x.nc.tmp", "x", "nc"])
def test_a_type_that_padocc_refuses_is_refused(name, data, faults):
    (data / name).write_bytes(b"x")
    refused = "a type that PADOCC 1.5.1 refuses, it takes .nc and .tif only"
    assert faults(f"{data}/*") == [f"1 of 4 source files: {refused}: '{data}/{name}'"]


def test_netcdf_and_tif_files_are_taken(data, write):
    (data / "x.tif").write_bytes(b"x")
    assert len(read_group_config(write(f"a1b,{data}/*")).projects[0].files) == 4


def test_the_same_file_twice_in_one_project_is_refused_whatever_its_name(data, faults, write):
    (data / "latest.nc").symlink_to(data / "m_2.nc")
    os.link(data / "m_10.nc", data / "n_10.nc")
    assert len(faults(f"{data}/*")) == 1
    write(f"{data}/m_1.nc\n{data}//m_1.nc\n{data}/m_1.nc\n", "list.txt")
    (found,) = faults("list.txt")
    assert found.startswith("2 of 3 source files in file list 'list.txt': there already, under the same or another name: ")


def test_the_same_file_in_two_projects_is_taken(data, write):
    assert len(read_group_config(write(f"a1b,{data}/*\ne1,{data}/*\n")).projects) == 2


def test_unsafe_and_relative_names_in_a_list_are_refused(data, faults, write):
    write("\n".join([f"{data}/a;b.nc", f"{data}/../x.nc", f"{data}/é.nc", "m_1.nc", f"{data}/m_1.nc", "9" * 5000]), "list.txt")
    unsafe, relative = faults("list.txt")
    assert unsafe.startswith("3 of 6 source files in file list 'list.txt': the path holds control, shell or non-ASCII")
    assert relative.startswith("2 of 6 source files in file list 'list.txt': not an absolute path: '999")
    assert relative.endswith("…', 'm_1.nc'") and len(relative) < 500


def test_a_file_name_that_is_not_utf8_is_refused(data, faults):
    (data / os.fsdecode(b"m_\xe9.nc")).write_bytes(b"x")
    (found,) = faults(f"{data}/*")
    assert "non-ASCII" in found and "m_\\udce9.nc" in found


def test_each_kind_of_fault_is_told(data, faults):
    (data / "e.nc").touch()
    (data / "x.grib").write_bytes(b"x")
    (data / "gone.nc").symlink_to(data / "nowhere")
    assert len(faults(f"{data}/*")) == 3


def test_entries_of_a_yaml_list_are_told_with_their_line(data, write, problems):
    text = f"projects:\n- code: a1b\n  files:\n  - {data}/m_1.nc\n  - m_2.nc\n  - 7\n  - {data}/m_1.nc\n"
    found = problems(write(text, "cci.yaml"))
    assert [problem.split(":")[0] for problem in found] == ["line 5", "line 6", "line 7"]


def test_files_and_folders_that_may_not_be_read_are_refused(problems):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "shut").mkdir()
        for file in ("a.nc", "b.nc", "shut/c.nc"):
            (folder / file).write_bytes(b"x")
        (folder / "list.txt").write_text(f"{folder}/a.nc\n{folder}/b.nc\n{folder}/shut/c.nc\n")
        (folder / "cci.csv").write_text(f"a1b,{folder}/?.nc\ne1,{folder}/shut/*.nc\nb1,list.txt\n")
        (folder / "b.nc").chmod(0)
        (folder / "shut").chmod(0)
        with as_another_user():
            found = problems(folder / "cci.csv")
        (folder / "shut").chmod(0o755)
    assert f"1 of 2 source files: may not be read by this user: '{folder}/b.nc'" in found[0]
    assert f"matches nothing: the folder '{folder}/shut' may not be read" in found[1]
    assert f"2 of 3 source files in file list 'list.txt': may not be read by this user: '{folder}/b.nc', '{folder}/sh" in found[2]
