"""The CSV form, column by column as PADOCC takes it."""

import json

import pytest

from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec
from padocc_dagster.selection import read_group_config


def test_a_row_with_all_columns_is_a_project(write, data):
    write(json.dumps({"title": "A1B"}), "up.json")
    write(json.dumps(["history"]), "rm.json")
    config = read_group_config(write(f"a1b,{data}/m_*.nc,up.json,rm.json,tas,pr\n"))
    files = tuple(f"{data}/m_{month}.nc" for month in (1, 2, 10))
    assert config.projects == (
        ProjectSpec("a1b", f"{data}/m_*.nc", files, {"title": "A1B"}, ("history",), ("tas", "pr"), ProjectOptions()),
    )


HEADERS = ["proj_code,pattern,updates,removals", "project code, pattern", "Project_Code,x", "code,files", "project"]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_line_is_no_project(header, write, data):
    config = read_group_config(write(f"{header}\na1b,{data}/*.nc\n"))
    assert [project.code for project in config.projects] == ["a1b"]


def test_a_project_called_code_in_the_first_row_is_no_header(write, data):
    assert [p.code for p in read_group_config(write(f"code,{data}/*.nc\n")).projects] == ["code"]


def test_a_header_in_another_order_is_refused(write, data, problems):
    found = problems(write(f"pattern,proj_code\na1b,{data}/*.nc\n"))
    assert len(found) == 1 and found[0].startswith("line 1: the header has 'proj_code' in another place")


def test_blank_lines_and_comments_keep_the_line_numbers_true(write, problems):
    found = problems(write("\n# it's \"open\nproj_code,pattern\n\n   \na1b,data/*.nc\n  # more\nb,data/*.nc,,\n"))
    assert [problem.split(":")[0] for problem in found] == ["line 6", "line 8"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_marks_and_all_line_ends_are_taken(mark, end, write, data, problems):
    good = write(mark + end.join(["a1b," + f"{data}/*.nc", "e1," + f"{data}/m_1.nc", ""]))
    assert [project.code for project in read_group_config(good).projects] == ["a1b", "e1"]
    assert problems(write(mark + end.join(["# x", "a1b,data/*.nc"])))[0].startswith("line 2: project 'a1b'")


ROWS = [
    "  a1b ,  {}/m_*.nc  , , ,  tas ,  ",
    '"a1b","{}/m_*.nc",,,tas',
    'a1b, "{}/m_*.nc" , "" ,,"tas"',
    "a1b,{}/m_*.nc,,,,tas,,",
]


@pytest.mark.parametrize("row", ROWS)
def test_spaces_quotes_and_empty_columns_change_nothing(row, write, data):
    (project,) = read_group_config(write(row.format(data))).projects
    assert (project.code, project.pattern, len(project.files), project.variables) == ("a1b", f"{data}/m_*.nc", 3, ("tas",))


def test_a_quoted_pattern_may_hold_a_comma(write, data):
    (data / "a,b.nc").write_bytes(b"x")
    (project,) = read_group_config(write(f'a1b,"{data}/a,b.nc",,,tas')).projects
    assert project.files == (f"{data}/a,b.nc",)


def test_a_quote_left_open_is_one_problem_and_hides_no_project(write, problems):
    found = problems(write('a1b,"/data/*.nc\ne1,data/*.nc\nb1,/da"ta/*.nc\n'))
    assert found[0].startswith("line 1: the quotes of this line do not match")
    assert found[1].startswith("line 2: project 'e1': pattern 'data/*.nc' is not an absolute path")
    assert found[2].startswith("line 3: project 'b1': pattern is not safe")


def test_a_row_without_code_or_pattern_is_refused(write, data, problems):
    found = problems(write(f"a1b\n,{data}/*.nc\n,,,\ne1,,,,tas\n"))
    assert [problem.split(":")[0] for problem in found] == ["line 1", "line 2", "line 4"]
    assert "project 'a1b': has no source files" in found[0]
    assert "has no code" in found[1]
    assert "project 'e1': has no source files" in found[2]


def test_columns_of_an_unquoted_pattern_with_a_comma_are_refused(write, data, problems):
    (data / "a,b.nc").write_bytes(b"x")
    assert len(problems(write(f"a1b,{data}/a,b.nc\n"))) == 2
