"""Updates, removals and variables: in the config, or in JSON files beside it."""

import pytest

from padocc_dagster.selection import read_group_config


@pytest.fixture
def project(data):
    """A YAML config of one project with these further lines, which begin at line 4."""
    head = f"projects:\n- code: a1b\n  pattern: {data}/*.nc\n"
    return lambda lines: head + "".join(f"  {line}\n" for line in lines.split("\n"))


REMOVALS = ['["history", "comment"]', '{"history": 1, "comment": null}', '["history", "comment", "history"]']


@pytest.mark.parametrize("content", REMOVALS)
def test_a_removals_file_is_a_list_or_an_object_whose_keys_count(content, write, data):
    write(content, "rm.json")
    as_csv = write(f"a1b,{data}/*.nc,,rm.json")
    as_yaml = write(f"removals: rm.json\nprojects: [{{code: a1b, files: [{data}/m_1.nc]}}]", "cci.yaml")
    for config in (as_csv, as_yaml):
        assert read_group_config(config).projects[0].removals == ("history", "comment")


def test_an_attribute_file_may_be_given_by_its_absolute_path(write, data):
    path = write('{"title": "A1B", "n": [1, 2.5, true, "x"]}', "up.json")
    assert read_group_config(write(f"a1b,{data}/*.nc,{path}")).projects[0].updates == {"title": "A1B", "n": [1, 2.5, True, "x"]}


@pytest.mark.parametrize("column", ["updates", "removals"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "does not exist: correct its path or create it"),
        ("", "is empty (0 bytes)"),
        ("{", "is not good JSON (Expecting property name"),
        ("[" * 100_000, "is not good JSON ("),
        ('{"a": ' + "[" * 900 + "]" * 900 + "}", "are nested more than 20 deep"),
        ("3", "is 3: write "),
        ('"title"', "is 'title': write "),
        ("null", "is nothing: write "),
        ('{"a": 1, "a": 2}', "is not good JSON ('a' is given twice)"),
        ('{"a": NaN}', "is not good JSON (NaN is not a finite number)"),
        ('{"": 1}', ": not the name of an attribute"),
        ('{"a/b": 1}', ": not the name of an attribute"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_an_attribute_file_that_cannot_be_used_is_refused(column, content, sentence, write, data, problems):
    if content is not None:
        write(content, "x.json")
    (found,) = problems(write(f"a1b,{data}/*.nc,{'x.json' if column == 'updates' else ',x.json'}"))
    assert found.startswith("line 1: project 'a1b': ") and f"the {column} file 'x.json'" in found and sentence in found


def test_a_folder_and_an_unsafe_path_are_no_attribute_files(write, data, problems):
    found = problems(write(f"a1b,{data}/*.nc,{data},`id`.json"))
    assert "is a folder" in found[0] and "the removals file '`id`.json' has no good path" in found[1]


def test_an_updates_file_that_holds_a_list_is_refused(write, data, problems):
    write("[1]", "x.json")
    (found,) = problems(write(f"a1b,{data}/*.nc,x.json"))
    assert found.endswith("is [1]: write attributes and their values, {title: A1B}")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("null", "is nothing: write text, a number, true or false"),
        ("{b: 1}", "is {'b': 1}: write text, a number, true or false"),
        ("2020-01-01", "is 2020-01-01: write text, a number, true or false, or a list of these; put dates in quotes"),
        ("[]", "is []: write text, a number, true or false"),
        ("[[1]]", "is [[1]]: write text, a number, true or false"),
        ("[1, null]", "is [1, None]: write text, a number, true or false"),
        (".nan", "is nan: no finite number"),
        ("[1.0, .inf]", "is [1.0, inf]: no finite number"),
        ("9223372036854775808", "is 9223372036854775808: too large for a 64-bit integer"),
    ],
)
def test_a_value_that_no_attribute_can_have_is_refused_with_its_line(value, words, write, project, problems):
    (found,) = problems(write(project(f"updates:\n  good: 1\n  title: {value}"), "cci.yaml"))
    assert found.startswith(f"line 6: project 'a1b': updates.title {words}")


@pytest.mark.parametrize("value", ["text", "''", "0", "-1.5", "false", "[a, b]", "9223372036854775807"])
def test_text_numbers_truth_and_lists_of_them_are_taken(value, write, project):
    assert "title" in read_group_config(write(project(f"updates: {{title: {value}}}"), "cci.yaml")).projects[0].updates


def test_removals_that_are_no_names_are_refused_with_their_lines(write, project, problems):
    found = problems(write(project("removals:\n- history\n- 3\n- ' x'"), "cci.yaml"))
    assert [problem.split(": ")[0] for problem in found] == ["line 6", "line 7"]
    assert "removals is 3: write a list of attributes" in problems(write(project("removals: 3"), "cci.yaml"))[0]


def test_an_attribute_set_and_removed_is_refused(write, data, project, problems):
    (found,) = problems(write(project("updates: {history: x, title: y}\nremovals: [title, comment, history]"), "cci.yaml"))
    assert found.startswith("line 5: project 'a1b': 'title', 'history' is set in updates and removed in removals")
    write('{"title": 1}', "x.json")
    (found,) = problems(write(f"a1b,{data}/*.nc,x.json,x.json"))
    assert found.startswith("line 1: project 'a1b': 'title' is set in updates and removed in removals")


@pytest.mark.parametrize("name", ["a b", "$(id)", "tas;pr", "a/b", "é", "*", "`x`", "x'"])
def test_a_variable_that_is_no_name_is_refused(name, write, data, problems):
    (found,) = problems(write(f"a1b,{data}/*.nc,,,tas,{name}"))
    assert found.startswith("line 1: project 'a1b': an entry of variables is ") and found.endswith("'.', '+' and '-' only")


def test_variables_that_are_no_list_of_texts_are_refused(write, project, problems):
    assert "variables is 'tas': write a list" in problems(write(project("variables: tas"), "cci.yaml"))[0]
    (found,) = problems(write(project("variables:\n- tas\n- 3"), "cci.yaml"))
    assert found.startswith("line 6: project 'a1b': an entry of variables is 3: write one text")


def test_variables_given_twice_are_kept_once(write, data):
    assert read_group_config(write(f"a1b,{data}/*.nc,,,tas,pr_2.m+x-y,tas")).projects[0].variables == ("tas", "pr_2.m+x-y")
