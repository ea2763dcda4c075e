"""Dropped variables, substitutions, dimensions and xarray options in a group config."""

from padocc_dagster.selection import find_again, read_group_config

YAML = """\
group: cci
dropped: [bounds]
substitutions: {{/archive: {data}}}
options: {{concat_dims: [time]}}
projects:
  - code: a1b
    pattern: /archive/*.nc
  - code: e1
    pattern: {data}/*.nc
    dropped: []
    substitutions: {{}}
    options: {{concat_dims: null, identical_dims: [lat, lon], xarray: {{mask_and_scale: false}}}}
"""


def test_what_the_group_says_holds_unless_the_project_says_otherwise(data, write):
    one, other = read_group_config(write(YAML.format(data=data), "cci.yaml")).projects
    assert (one.dropped, one.options.concat_dims, one.pattern) == (("bounds",), ("time",), "/archive/*.nc")
    assert one.files == other.files and one.files[0] == f"{data}/m_1.nc"
    assert (other.dropped, other.substitutions, other.options.concat_dims) == ((), {}, ())
    assert (other.options.identical_dims, other.options.xarray) == (("lat", "lon"), {"mask_and_scale": False})
    assert find_again(one).files == one.files


def test_problems_are_told_with_their_lines(data, write, problems):
    text = YAML.format(data=data).replace("[bounds]", "bounds").replace(": null", ": lat").replace("{}", "{'/a': `}")
    text = text.replace("`", "'$x'").replace("[time]", "[time], base64: [time]")
    words = [
        "line 2: dropped is 'bounds': write a list, [a, b]",
        "line 4: options.base64 has no effect: only PADOCC's aggregator P reads",
        "line 11: project 'e1': substitutions.'/a' is '$x': not safe, path",
        "line 12: project 'e1': options.concat_dims is 'lat': write a list of one name, [time]",
    ]
    found = problems(write(text, "cci.yaml"))
    assert [problem[: len(word)] for problem, word in zip(found, words, strict=True)] == words
