"""Glob patterns and lists of source files."""

import glob
import os

import pytest

from padocc_dagster.selection import read_group_config


def first_problem(found):
    assert len(found) == 1, found
    return found[0].removeprefix("line 1: project 'a1b': ")


PATTERNS = ["m_*.nc", "m_?.nc", "m_[12].nc", "*.nc", "**/*.nc", "**", "**/**", "s*/*.nc", "*/y*", ".h*", "*", "m_1.nc", "m_1[0]*"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_finds_what_glob_finds_except_folders(pattern, write, data):
    (data / "sub" / "deep").mkdir(parents=True)
    for name in ("sub/x.nc", "sub/deep/y.nc", "sub/y.tif", ".hidden.nc"):
        (data / name).write_bytes(b"x")
    (project,) = read_group_config(write(f"a1b,{data}/{pattern}")).projects
    found = glob.glob(f"{data}/{pattern}", recursive=True)
    assert project.files and set(project.files) == {path for path in found if not os.path.isdir(path)}


def test_files_come_in_natural_order(write, data):
    for name in ("m_02.nc", "m_9.nc", "m_100.nc", "m_2b.nc", "m.nc"):
        (data / name).write_bytes(b"x")
    (project,) = read_group_config(write(f"a1b,{data}/*.nc")).projects
    assert [file.rpartition("/")[2] for file in project.files] == [
        "m.nc", "m_1.nc", "m_02.nc", "m_2.nc", "m_2b.nc", "m_9.nc", "m_10.nc", "m_100.nc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("data/*.nc", "pattern 'data/*.nc' is not an absolute path: begin it with '/'"),
        ("~/data/*.nc", "pattern '~/data/*.nc' is not an absolute path"),
        ("s3://bucket/*.nc", "pattern 's3://bucket/*.nc' is an address: PADOCC 1.5.1 reads local files only"),
        ("/data/../etc/*.nc", "pattern '/data/../etc/*.nc' goes through '..'"),
        ("/data/;touch x/*.nc", "pattern is not safe: "),
        ("/data/`id`/*.nc", "pattern is not safe: "),
        ("/data/$(id)/*.nc", "pattern is not safe: "),
        ("/data/it's/*.nc", "pattern is not safe: "),
        ("/data/é/*.nc", "pattern is not safe: "),
        ("C:\\data\\*.nc", "pattern is not safe: "),
        ("/" + "x" * 5000, "pattern '/xxx"),
    ],
)
def test_a_pattern_that_is_not_a_safe_absolute_path_is_refused(pattern, sentence, write, problems):
    assert first_problem(problems(write(f"a1b,{pattern}"))).startswith(sentence)


def test_a_pattern_that_matches_nothing_is_told_where_it_ends(write, data, problems):
    cases = {
        f"{data}/n_*.nc": f"'{data}' exists and holds nothing that fits",
        f"{data}/gone/*.nc": f"'{data}/gone' does not exist",
        f"{data}/gone.nc": f"'{data}/gone.nc' does not exist",
        f"{data}/m_1.nc/*.nc": f"'{data}/m_1.nc' is no folder",
        f"{data}/{{m_1}}.n*": "braces {} are not expanded",
    }
    for pattern, ending in cases.items():
        found = first_problem(problems(write(f"a1b,{pattern}")))
        assert found.startswith(f"pattern '{pattern}' matches nothing: ") and ending in found


def test_a_pattern_that_matches_folders_only_is_refused(write, data, problems):
    for pattern in (data, f"{data}/", f"{data.parent}/dat*"):
        assert "matches folders only" in first_problem(problems(write(f"a1b,{pattern}")))


@pytest.mark.parametrize("way", ["pattern", "file_list"])
def test_a_list_file_may_be_relative_and_have_comments(way, write, data):
    write(f"\ufeff# files\r\n\r\n {data}/m_10.nc \r\n{data}/m_2.nc", "list.txt")
    (project,) = read_group_config(write(f"projects: [{{code: a1b, {way}: list.txt}}]", "cci.yaml")).projects
    assert (project.pattern, project.files) == (f"{data.parent}/list.txt", (f"{data}/m_2.nc", f"{data}/m_10.nc"))


def test_a_list_file_that_cannot_be_used_is_refused(write, tmp_path, problems):
    write("", "empty.txt")
    write("# nothing\n\n", "blank.txt")
    write(b"\xe9\n", "latin.txt")
    (tmp_path / "folder.txt").mkdir()
    rows = "".join(f"{name},{name}.txt\n" for name in ("gone", "empty", "blank", "latin", "folder"))
    found = problems(write(rows + "a1b,$(x).txt"))
    words = ["does not exist", "is empty (0 bytes)", "names no files", "is not UTF-8", "is a folder", "is not safe"]
    assert [problem.split(": ")[0] for problem in found] == [f"line {line}" for line in range(1, 7)]
    assert all(word in problem for word, problem in zip(words, found, strict=True)), found


def test_missing_files_of_a_list_are_counted_and_the_first_three_named(write, data, problems):
    write("\n".join([f"{data}/m_1.nc", *(f"{data}/g_{i}.nc" for i in (10, 9, 3, 1, 2))]), "list.txt")
    assert first_problem(problems(write("a1b,list.txt"))) == (
        "5 of 6 source files in file list 'list.txt': does not exist, or is a link that leads nowhere: "
        f"'{data}/g_1.nc', '{data}/g_2.nc', '{data}/g_3.nc' and 2 more; correct the paths or restore the files"
    )


def test_exactly_one_of_pattern_files_and_file_list_is_taken(write, data, problems):
    rows = ["- code: a", "- code: b", f"  pattern: {data}/m_1.nc", "  file_list: x.txt", "- code: c", "  files: []"]
    rows += ["- code: d", f"  files: {data}", "- code: e", "  pattern: 3"]
    words = [
        "line 2: project 'a': has no source files",
        "line 5: project 'b': has pattern and file_list: keep exactly one",
        "line 7: project 'c': files is an empty list",
        f"line 9: project 'd': files is '{data}'"[:50],
        "line 11: project 'e': pattern is 3: write one text",
    ]
    found = problems(write("\n".join(["projects:", *rows]), "cci.yaml"))
    assert [problem[: len(word)] for problem, word in zip(found, words, strict=True)] == words
