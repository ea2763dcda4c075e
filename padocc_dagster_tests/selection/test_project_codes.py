"""Project codes: safe, and each for one project of the group."""

import json

import pytest

HOSTILE = ["a;touch x", "`id`", "$(id)", "../x", "*", "a b", "it's", 'say "x"', "é", "x" * 300, "42", ".", "..", "a/b", "-rf"]
HOSTILE += ["a|b", "a&b", "a\\b", "proj_code"]


@pytest.mark.parametrize("code", HOSTILE)
def test_a_hostile_code_is_refused_in_yaml(code, write, data, problems):
    (found,) = problems(write(f"projects:\n- pattern: {data}/m_1.nc\n  code: {json.dumps(code)}\n", "cci.yaml"))
    assert found.startswith("line 3: project ") and "project code" in found


@pytest.mark.parametrize("code", HOSTILE)
def test_a_hostile_code_is_refused_in_csv(code, write, data, problems):
    cell = '"' + code.replace('"', '""') + '"'
    (found,) = problems(write(f"first,{data}/m_1.nc\n{cell},{data}/m_1.nc\n"))
    assert found.startswith("line 2: project ") and "project code" in found


def test_a_code_with_a_line_break_is_one_sentence(write, data, problems):
    (found,) = problems(write(f'projects:\n- pattern: {data}/m_1.nc\n  code: "a\\nb"\n', "cci.yaml"))
    assert "'a\\nb' is not safe" in found


def test_a_code_given_twice_is_refused_with_both_lines(write, data, problems):
    row = f",{data}/m_1.nc\n"
    found = problems(write(f"a1b{row}e1{row}\na1b{row}a1b{row}"))
    assert [problem.split(": a code")[0] for problem in found] == [
        "line 4: project 'a1b': the code is on line 1 too",
        "line 5: project 'a1b': the code is on line 1 too",
    ]


def test_codes_that_differ_in_letter_case_only_are_refused_with_both_lines(write, data, problems):
    pattern = f"  pattern: {data}/m_1.nc\n"
    (found,) = problems(write(f"projects:\n- code: a1b\n{pattern}- code: A1B\n{pattern}", "cci.yaml"))
    assert found.startswith("line 4: project 'A1B': the code differs from 'a1b' on line 2 in letter case only")
