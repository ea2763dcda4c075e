"""The file of a group config as a whole: what is no config at all is refused with one sentence."""

import hashlib
import os

import pytest

from padocc_dagster.selection import SUFFIXES, read_group_config


def only(found):
    assert len(found) == 1, found
    return found[0]


def test_a_missing_file_is_refused(tmp_path, problems):
    assert only(problems(tmp_path / "cci.csv")) == "the group config does not exist: correct its path or create it"


@pytest.mark.parametrize("name", ["cci.txt", "cci", "cci.csv.bak", "cci.json"])
def test_a_file_with_another_suffix_is_refused(name, write, problems):
    assert "ends in .csv, .yaml, .yml" in only(problems(write("a", name)))


@pytest.mark.parametrize("name", ["cci.csv", "cci.yaml"])
def test_a_folder_is_refused(name, tmp_path, problems):
    (tmp_path / name).mkdir()
    assert "is a folder" in only(problems(tmp_path / name))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path, problems):
    os.mkfifo(tmp_path / "cci.csv")
    assert "is not an ordinary file" in only(problems(tmp_path / "cci.csv"))


def test_a_link_that_leads_nowhere_is_refused(tmp_path, problems):
    (tmp_path / "cci.csv").symlink_to(tmp_path / "gone.csv")
    assert "does not exist" in only(problems(tmp_path / "cci.csv"))


def test_a_link_that_leads_to_itself_is_refused(tmp_path, problems):
    (tmp_path / "cci.csv").symlink_to(tmp_path / "cci.csv")
    assert "cannot be read" in only(problems(tmp_path / "cci.csv"))


@pytest.mark.parametrize("name", ["cci.csv", "cci.yaml"])
def test_an_empty_file_is_refused(name, write, problems):
    assert "is empty (0 bytes)" in only(problems(write("", name)))


@pytest.mark.parametrize("name", ["cci.csv", "cci.yaml"])
def test_a_file_without_projects_is_refused(name, write, problems):
    assert "there are no projects" in only(problems(write("\n# nothing yet\n  \n", name)))


def test_a_header_alone_is_refused(write, problems):
    assert "there are no projects" in only(problems(write("proj_code,pattern\n")))


@pytest.mark.parametrize("name", ["cci.csv", "cci.yaml"])
def test_text_that_is_not_utf8_is_refused_with_its_line(name, write, problems):
    assert only(problems(write("# first\n# Météo\n".encode("latin-1"), name))) == (
        "line 2: the group config is not UTF-8 (byte 0xe9): save it as UTF-8"
    )


@pytest.mark.parametrize("data", [b"a\nb\0c", "a1b,/data".encode("utf-16")], ids=["nul", "utf-16"])
def test_a_binary_file_is_refused(data, write, problems):
    assert "is not text (it holds NUL bytes)" in only(problems(write(data)))


def test_a_file_of_more_than_64_mb_is_refused_unread(tmp_path, problems):
    with open(tmp_path / "cci.csv", "wb") as file:
        file.truncate(64 * 1024**2 + 2**20)
    assert "has 65 MB, at most 64 MB are read" in only(problems(tmp_path / "cci.csv"))


@pytest.mark.parametrize("name", ["a b", "x;y", "42", "..x", "é", "proj_code", "x" * 120])
def test_an_unsafe_group_name_is_refused(name, write, data, problems):
    assert "group " in only(problems(write(f"a1b,{data}/*.nc", f"{name}.csv")))


def test_the_group_is_called_as_the_file(write, data):
    text = f"a1b,{data}/*.nc\n"
    config = read_group_config(write(text, "cci.v2.csv"))
    assert config.group == "cci.v2"
    assert config.digest == hashlib.sha256(text.encode()).hexdigest()
    assert [project.code for project in config.projects] == ["a1b"]


def test_both_forms_and_both_yaml_suffixes_are_known():
    assert SUFFIXES == (".csv", ".yaml", ".yml")
