"""Options: their values, and which of them go together."""

import pytest

from padocc_dagster.selection import read_group_config


@pytest.fixture
def config(data, write):
    """A YAML config of one project: options on line 1, the project on line 3."""

    def writer(options: str, own: str = "{}", pattern: str = "*.nc", variables: str = "[]"):
        project = f"- code: a1b\n  pattern: {data}/{pattern}\n  options: {own}\n  variables: {variables}\n"
        return write(f"options: {options}\nprojects:\n{project}", "cci.yaml")

    return writer


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("{cloud_format: Zarr}", "options.cloud_format is 'Zarr': did you mean 'zarr'? known are kerchunk, parquet, zarr, CFA"),
        ("{cloud_format: netcdf}", "options.cloud_format is 'netcdf': known are"),
        ("{cloud_format: [zarr]}", "options.cloud_format is ['zarr']: did you mean 'zarr'? known are"),
        (
            "{aggregator: P}",
            "options.aggregator is 'P': write V (VirtualiZarr) or K (kerchunk), or leave it out",
        ),
        ("{aggregator: X}", "options.aggregator is 'X': write V"),
        ("{cfa: maybe}", "options.cfa is 'maybe': write true or false"),
        ("{cfa: 1}", "options.cfa is 1: write true or false"),
        ("{compare: 0}", "options.compare is 0: write auto, all, or a number of files from 1 up"),
        ("{compare: -3}", "options.compare is -3"),
        ("{compare: 2.5}", "options.compare is 2.5"),
        ("{compare: true}", "options.compare is true"),
        ("{compare: none}", "options.compare is 'none'"),
        ("{agregator: V}", "unknown field 'agregator' in options: did you mean 'aggregator'?"),
        ("{new_version: null}", "unknown field 'new_version' in options: known are cloud_format, aggregator, cfa, compare"),
        ("kerchunk", "options is 'kerchunk': write a mapping with the fields cloud_format, "),
        ("[cfa]", "options is ['cfa']: write a mapping with the fields cloud_format, "),
    ],
)
def test_an_option_that_is_not_known_is_refused(options, sentence, config, problems):
    (found,) = problems(config(options))
    assert found.startswith(f"line 1: {sentence}")
    (found,) = problems(config("{}", options))
    assert found.startswith(f"line 5: project 'a1b': {sentence}")


@pytest.mark.parametrize("compare", ["auto", "all", 1, 500])
@pytest.mark.parametrize("cloud_format", ["kerchunk", "parquet", "zarr", "CFA"])
def test_good_options_are_taken(cloud_format, compare, config):
    options = read_group_config(config(f"{{cloud_format: {cloud_format}, compare: {compare}}}")).projects[0].options
    assert (options.cloud_format, options.compare, options.aggregator, options.cfa) == (cloud_format, compare, None, False)


@pytest.mark.parametrize("cloud_format", ["zarr", "CFA"])
def test_variables_are_refused_where_padocc_keeps_all(cloud_format, config, problems):
    (found,) = problems(config(f"{{cloud_format: {cloud_format}}}", variables="[tas]"))
    assert found.startswith(f"line 3: project 'a1b': PADOCC 1.5.1 keeps all variables in the cloud format {cloud_format}")


def test_variables_are_refused_with_an_aggregation_beside(config, problems):
    assert "keeps all variables in a CFA aggregation" in problems(config("{cfa: true}", variables="[tas]"))[0]


@pytest.mark.parametrize("cloud_format", ["kerchunk", "parquet"])
def test_variables_and_aggregator_are_taken_for_references(cloud_format, config):
    (project,) = read_group_config(config(f"{{cloud_format: {cloud_format}, aggregator: V}}", variables="[tas]")).projects
    assert (project.variables, project.options.aggregator) == (("tas",), "V")


@pytest.mark.parametrize("cloud_format", ["zarr", "CFA"])
def test_an_aggregator_is_refused_where_it_has_no_part(cloud_format, config, problems):
    (found,) = problems(config("{aggregator: K}", f"{{cloud_format: {cloud_format}}}"))
    assert found.startswith(f"line 3: project 'a1b': aggregator K has no part in the cloud format {cloud_format}")
    (project,) = read_group_config(config("{aggregator: K}", f"{{cloud_format: {cloud_format}, aggregator: null}}")).projects
    assert project.options.aggregator is None


@pytest.mark.parametrize("options", ["{cloud_format: CFA}", "{cfa: true}"])
def test_an_aggregation_of_one_file_is_refused(options, config, problems):
    (found,) = problems(config(options, pattern="m_1.nc"))
    assert found.startswith("line 3: project 'a1b': a CFA aggregation needs at least two source files and there is one")
    assert len(read_group_config(config(options)).projects[0].files) == 3


def test_one_file_is_enough_for_the_other_formats(config):
    for cloud_format in ("kerchunk", "parquet", "zarr"):
        assert len(read_group_config(config(f"{{cloud_format: {cloud_format}}}", pattern="m_1.nc")).projects[0].files) == 1
