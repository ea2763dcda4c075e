"""The section `stac:` of a group config: every field is checked, everything wrong is told at once, and nothing is searched before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import config
from padocc_dagster_tests.selection.conftest import problems, write  # noqa: F401  (fixtures)
from padocc_dagster_tests.selection.stac.selecting import SERVER, section

Problems = Callable[[str], list[str]]


@pytest.fixture
def told(write: Any, problems: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:  # noqa: F811
    """The problems of a section with this text; a search would be an error."""
    monkeypatch.setattr(config, "select", lambda *_: pytest.fail("the catalogue is searched"))
    (tmp_path / "catalog.json").write_text("{}")
    return lambda text: problems(write(f"options: {{}}\nstac:\n  catalogue: {tmp_path}\n{text}", "cci.yaml"))


def test_a_catalogue_is_enough() -> None:
    asked = section()
    assert (asked.catalogue, asked.projects, asked.code, asked.facets) == (SERVER, "item", "{id}", ())
    assert asked.leave_out == ("aggregated", "retracted") and asked.publish_items is False and asked.paths == {}


def test_every_field_is_read() -> None:
    asked = section(
        collections=["a", "b", "a"], ids="x", datetime="2015-01-01/..", bbox=[-10, 40, 5, 60],
        filter="x = 1", query={"y": {"gt": 1}, "z": "q"},
        max_items=5, projects="collection", facets=["m", "n"], code="{m}.{n}.{o}", assets={"roles": "data", "names": ["d*"]},
        paths={"https://h/a/": "/b/"}, leave_out=["retracted"], publish_items=True,
    )  # fmt: skip
    assert asked.collections == ("a", "b") and asked.ids == ("x",) and asked.max_items == 5
    assert asked.datetime == "2015-01-01T00:00:00Z/.." and asked.bbox == (-10.0, 40.0, 5.0, 60.0)
    assert asked.query == {"y": {"gt": 1}, "z": {"eq": "q"}} and asked.properties == ["y", "z", "x"]
    assert asked.values == ["m", "n", "o"] and asked.assets.roles == ("data",) and asked.assets.names == ("d*",)
    assert asked.paths == {"https://h/a": "/b"} and asked.leave_out == ("retracted",) and asked.publish_items is True


def test_the_code_of_a_collections_projects_is_made_of_its_facets() -> None:
    assert section(projects="collection").code == "{collection}"
    assert section(projects="collection", facets=["a", "b", "a"]).code == "{collection}.{a}.{b}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colections: [a]", "unknown field 'colections' in the section: did you mean 'collections'?"),
        ("collections: 5", "collections is 5: write a list, [a, b]"),
        ("collections: []", "collections is []: name at least one, or leave it out"),
        ("collections: [a, 5]", "an entry of collections is 5: write one text, in quotes"),
        ("collections: ['']", "an entry of collections is '': write a name, or leave it out"),
        ("ids: [20200101]", "an entry of ids is 20200101: write one text, in quotes"),
        ("ids: [2020-01-01]", "an entry of ids is 2020-01-01: write one text, in quotes"),
        ("ids: [[a]]", "an entry of ids is ['a']: write one text"),
        ("datetime: yesterday", "datetime is 'yesterday': no time and no interval; write 2015-01-01/2020-12-31"),
        ("datetime: ''", "datetime is '': no time and no interval"),
        ("datetime: 2020", "datetime is 2020: write one text, in quotes"),
        ("datetime: 2020-01-01/2019-01-01", "datetime is '2020-01-01/2019-01-01': it ends before it begins"),
        ("datetime: [2020-01-01]", "datetime is a list: write one text, in quotes"),
        ("bbox: [1, 2, 3]", "bbox is [1, 2, 3]: write four numbers of degrees, [west, south, east, north]"),
        ("bbox: [a, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: [true, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: [.nan, 0, 1, 1]", "write four numbers of degrees"),
        (f"bbox: [{'9' * 400}, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: world", "bbox is 'world': write four numbers"),
        ("bbox: [0, 10, 10, 0]", "bbox is [0, 10, 10, 0]: its south is above its north; write [west, south, east, north]"),
        ("intersects: {type: Circle, coordinates: [0, 0]}", ": no GeoJSON geometry; write {type: Polygon, coordinates: [[["),
        ("intersects: {type: Point, coordinates: [a, b]}", ": no GeoJSON geometry; write {type: Polygon, coordinates: [[["),
        ("intersects: {type: Polygon, coordinates: [1, 2]}", ": no GeoJSON geometry; write {type: Polygon, coordinates: [[["),
        ("intersects: {type: [Point], coordinates: [0, 0]}", ": no GeoJSON geometry; write {type: Polygon, coordinates: [[["),
        ("intersects: {type: GeometryCollection, geometries: [1]}", ": no GeoJSON geometry; write {type: Polygon, coordinates: [[["),
        ("query: [a]", "query is ['a']: write a property and a condition, {source_id: {eq: MRI-ESM2-0}}"),
        ("query: {a: {like: b}}", "query.a is {'like': 'b'}: there is no operator 'like', known are eq, neq, lt"),
        ("query: {a: {in: b}}", "query.a is {'in': 'b'}: in takes a list of texts or numbers, [a, b]"),
        ("query: {a: {in: []}}", "query.a is {'in': []}: in takes a list of texts or numbers"),
        ("query: {a: [b, c]}", "query.a is ['b', 'c']: eq takes one text, number, or true or false; for several, write {in: [a, b]}"),
        ("query: {a: {eq: {b: c}}}", "query.a is {'eq': {'b': 'c'}}: eq takes one text"),
        ("query: {a: null}", "query.a is nothing: eq takes one text"),
        ("query: {a: {gt: .nan}}", "query.a is {'gt': nan}: gt takes one text"),
        ("query: {a: {startsWith: 5}}", "query.a is {'startsWith': 5}: startsWith takes a text"),
        ("query: {a: {}}", "query.a is {}: write an operator and a value"),
        ("filter: source_id =", "filter is 'source_id =': not valid CQL2 ("),
        ("filter: [a]", "filter is ['a']: write CQL2, as text or as JSON"),
        ("filter: {op: '='}", "filter is {'op': '='}: not valid CQL2 ("),
        (f"filter: '{'(' * 5000}a = 1{')' * 5000}'", "more than 500 operators and parentheses; write x IN"),
        (f"filter: '{'NOT ' * 5000}a = 1'", "more than 500 operators and parentheses; write x IN"),
        (f"filter: {' OR '.join(f'a = {number}' for number in range(5000))}", "write x IN ('a', 'b') in the place of many OR"),
        ("max_items: 0", "max_items is 0: write a number from 1 up"),
        ("max_items: true", "max_items is true: write a number from 1 up"),
        ("max_items: 2.0", "max_items is 2.0: write a number from 1 up"),
        ("projects: items", "projects is 'items': write item (one item, one project) or collection"),
        ("projects: [item]", "projects is ['item']: write item"),
        ("facets: [a]", "facets distinguish the projects of a collection: write projects: collection"),
        ("code: ''", "code is '': it names nothing"),
        ("code: name", "code is 'name': it names nothing"),
        ("code: '{id'", "code is '{id': it has a brace without its pair"),
        ("code: '{}'", "has a brace without its pair or with nothing in it"),
        ("code: 5", "code is 5: write one text, in quotes"),
        ("assets: data", "assets is 'data': write a mapping with the fields roles, types, names"),
        ("assets: {role: data}", "unknown field 'role' in assets: did you mean 'roles'?"),
        ("assets: {roles: [5]}", "an entry of assets.roles is 5: write one text"),
        ("paths: Ceda", "paths is 'Ceda': no site with rules of paths; did you mean 'ceda'?"),
        ("paths: [a]", "paths is ['a']: write beginnings of addresses"),
        ("paths: {'https://h': data}", "paths.'https://h' is 'data': write an absolute path"),
        ("paths: {'https://h': [/a]}", "paths.'https://h' is ['/a']: write an absolute path"),
        ("paths: {'https://h': '/a;b'}", "path '/a;b' contains ';'"),
        ("paths: {'/': /a}", "paths is {'/': '/a'}: the rule for '/' is empty or given twice"),
        ("paths: {'https://h': /a, 'https://h/': /b}", "the rule for 'https://h/' is empty or given twice"),
        ("leave_out: aggregated", "leave_out is 'aggregated': write a list"),
        ("leave_out: [agregated]", "an entry of leave_out is 'agregated': did you mean 'aggregated'?"),
        ("publish_items: 'yes'", "publish_items is 'yes': write true or false"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_its_line(text: str, sentence: str, told: Problems) -> None:
    (found,) = told(f"  {text}\n")
    assert found.startswith("line 4: stac: ") and sentence in found and "\n" not in found and len(found) < 600


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("projects: collection\n  facets: [id]", "facets names 'id': write properties"),
        ("projects: collection\n  facets: [a, collection]", "facets names 'collection': write properties"),
        ("projects: collection\n  facets: ['']", "facets names '': write properties"),
        ("projects: collection\n  facets: ['{a}']", "facets names '{a}': write properties"),
        ("projects: collection\n  code: '{id}'", "code names {id}, which the items of a collection do not share"),
        ("bbox: [0, 0, 1, 1]\n  intersects: {type: Point, coordinates: [0, 0]}", "bbox and intersects are both given"),
    ],
)
def test_two_fields_that_do_not_go_together_are_one_sentence(text: str, sentence: str, told: Problems) -> None:
    (found,) = told(f"  {text}\n")
    assert found.startswith("line 5: stac: ") and sentence in found


@pytest.mark.parametrize(
    ("catalogue", "sentence"),
    [
        ("/nowhere/catalog.json", "there is no catalogue '/nowhere/catalog.json'; correct its path"),
        ("sub/catalog.json", "sub/catalog.json'; correct its path"),
        ("ftp://host/a", "catalogue is 'ftp://host/a': an unknown scheme"),
        ("https://me:secret@host/", "catalogue has a name or a password in its address"),
        ("https://", "catalogue is 'https://': no address"),
        ("'http://[::1'", "catalogue is 'http://[::1': no address"),
        ("''", "catalogue is '': no address"),
        ("5", "catalogue is 5: write one text"),
        ('"a\\0b"', "there is no catalogue"),
        ("a" * 5000, "there is no catalogue"),
    ],
)
def test_a_catalogue_that_cannot_be_is_refused(catalogue: str, sentence: str, write: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(write(f"stac:\n  catalogue: {catalogue}\n", "cci.yaml"))
    assert found.startswith("line 2: stac: ") and sentence in found and "secret" not in found and len(found) < 500


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stac: {}", "line 1: stac: has no catalogue"),
        ("stac: {catalogue: null}", "line 1: stac: has no catalogue"),
        ("stac: {collections: a}", "line 1: stac: has no catalogue"),
        ("stac: [a]", "line 1: stac: the section is ['a']: write a mapping with the fields catalogue"),
        ("stac: https://host", "line 1: stac: the section is 'https://host': write a mapping"),
        ("stac: null", "there are no projects: add at least one, with its code and its pattern, or a section stac"),
    ],
)
def test_a_section_without_a_catalogue_is_refused(text: str, sentence: str, write: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(write(f"{text}\n", "cci.yaml"))
    assert found.startswith(sentence)


def test_all_problems_are_told_at_once(told: Problems) -> None:
    search = "  bbox: [1]\n  datetime: never\n  query: {a: {like: b, in: c}}\n"
    found = told(f"{search}  projects: files\n  paths: {{'https://h': a}}\nupdates: {{title: null}}\n")
    assert [problem.split(": ")[0] for problem in found] == ["line 4", "line 5", "line 6", "line 7", "line 8", "line 9"]
    assert "there is no operator 'like'" in found[2] and "; in takes a list" in found[2]


def test_projects_and_substitutions_do_not_go_with_a_section(told: Problems) -> None:
    projects, substitutions = told("projects: []\nsubstitutions: {/a: /b}\n")
    assert projects.startswith("line 4: projects and stac are both given") and "write rules of `paths`" in substitutions


@pytest.mark.parametrize("form", ["{}", "{}/catalog.json", "file://{}", "file://{}/catalog.json"])
def test_a_catalogue_of_files_is_named_by_path_or_address(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "catalog.json").write_text(json.dumps({}))
    written = str(folder).replace(" ", "%20") if form.startswith("file") else str(folder)
    assert section(form.format(written)).catalogue == f"{folder}/catalog.json"
