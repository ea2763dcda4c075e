"""The YAML form: the same in named fields, with options and with defaults for all projects."""

import pytest

from padocc_dagster.pipeline.workdir.spec import ProjectOptions
from padocc_dagster.selection import read_group_config

WHOLE = """\
group: cci
options: {{cloud_format: kerchunk, aggregator: K}}
updates: {{institution: CEDA, title: all}}
removals: [history]
variables: [tas]
projects:
  - code: a1b
    pattern: {data}/*.nc
    updates: {{title: A1B, levels: [1, 2.5], history: new}}
    removals: [institution, references]
  - code: e1
    files: [{data}/m_10.nc, {data}/m_2.nc]
    variables: []
    options: {{cloud_format: zarr, aggregator: null, compare: all}}
"""


def test_projects_take_what_the_group_sets_and_put_their_own_before_it(write, data):
    config = read_group_config(write(WHOLE.format(data=data), "other.yaml"))
    a1b, e1 = config.projects
    assert config.group == "cci"
    assert a1b.updates == {"title": "A1B", "levels": [1, 2.5], "history": "new"}
    assert a1b.removals == ("institution", "references")
    assert (a1b.variables, a1b.options) == (("tas",), ProjectOptions(aggregator="K"))
    assert (e1.updates, e1.removals) == ({"institution": "CEDA", "title": "all"}, ("history",))
    assert (e1.variables, e1.options) == ((), ProjectOptions(cloud_format="zarr", compare="all"))
    assert (e1.pattern, e1.files) == ("", (f"{data}/m_2.nc", f"{data}/m_10.nc"))


def test_without_a_group_field_the_file_names_the_group(write, data):
    assert read_group_config(write(f"projects: [{{code: a1b, pattern: {data}/m_1.nc}}]", "cci.yml")).group == "cci"


GOOD = "projects: [{code: a1b, pattern: DATA/m_1.nc}]\n"
OPEN = "projects:\n- pattern: DATA/m_1.nc\n"
CASES = {
    "an unknown field": (GOOD + "optons: {}", "line 2: unknown field 'optons' in the group config: did you mean 'options'?"),
    "an unknown project field": (OPEN + "  code: a\n  varables: []", "line 4: project 'a': unknown field 'varables'"),
    "a field given twice": (GOOD + "group: a\n\ngroup: b", "line 4: the field 'group' is given twice, here and on line 2"),
    "a project field given twice": (OPEN + "  code: a\n  code: b", "line 4: the field 'code' is given twice, here and on line 3"),
    "a group that is no text": (GOOD + "group: 2020", "line 2: group is 2020: write one text, in quotes"),
    "an unsafe group": (GOOD + "group: ../x", "line 2: group '../x' is not safe"),
    "a code that is no text": (OPEN + "  code: no", "line 3: this project: code is false: write one text, in quotes"),
    "a code that is a list": (OPEN + "  code: [a]", "line 3: this project: code is ['a']: write one text"),
    "no code": (OPEN, "line 2: this project: has no code"),
    "projects in a mapping": ("projects:\n  a1b: DATA", "line 1: projects is a mapping: write a list, one"),
    "a project that is text": ("projects:\n- a1b", "line 2: the project is 'a1b': write a mapping with the fields"),
    "a list": ("- code: a1b", "line 1: the group config is [{'code': 'a1b'}]: write a mapping with the fields"),
    "no projects": ("group: a", "there are no projects"),
    "an empty list of projects": ("projects: []", "there are no projects"),
    "a bracket left open": (GOOD + "updates: {title: [1}", "line 2: this is not valid YAML"),
    "two documents": (GOOD + "---\n" + GOOD, "line 2: this is not valid YAML"),
    "a tab": ("projects:\n\t- code: a", "line 2: this is not valid YAML"),
    "a control character": (GOOD + "group: a\x07", "line 2: the character '\\x07' is not allowed in YAML: remove it"),
    "an unquoted star": (OPEN + "  file_list: *.txt", "line 3: "),
    "a Python object": (GOOD + "updates: {title: !!python/object/apply:os.getcwd [x]}", "line 2: the tag 'tag:yaml.org"),
    "a tag": (GOOD + "updates: {title: !env HOME}", "line 2: the tag '!env' is not read: remove it"),
    "a day that is none": (GOOD + "updates: {title: 2020-02-31}", "line 2: '2020-02-31' looks like a timestamp and is none"),
    "a merge key": (GOOD + "options: {<<: {cfa: true}}", "line 2: unknown field '<<' in options"),
    "a key that is a number": (GOOD + "updates: {1: a}", "line 2: the field name 1 is no text: put it in quotes"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_a_group_config_is_refused_with_its_line(case, write, data, problems):
    text, sentence = CASES[case]
    found = problems(write(text.replace("DATA", str(data)), "cci.yaml"))
    assert len(found) == 1 and found[0].startswith(sentence), found


def test_aliases_are_refused_before_they_multiply(write, problems):
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))
    (found,) = problems(write(bomb, "cci.yaml"))
    assert found.startswith("line 2: the alias '*a' is not read")


def test_deep_nesting_is_refused_before_it_ends_the_process(write, problems):
    (found,) = problems(write("updates: " + "[" * 900 + "]" * 900, "cci.yaml"))
    assert "nested more than 20 deep" in found
    assert len(problems(write("updates: " + "[" * 200_000, "cci.yaml"))) == 1
