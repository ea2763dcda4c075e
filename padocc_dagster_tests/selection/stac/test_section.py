"""The section `stac:` of a group config: every field is checked, everything wrong is told at once, and nothing is searched before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import selected
from padocc_dagster_tests.selection.conftest import problems, write  # noqa: F401  (fixtures)
from padocc_dagster_tests.selection.stac.selecting import SERVER, section

Problems = Callable[[str], list[str]]


@pytest.fixture
def told(write: Any, problems: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:  # noqa: F811
    """The problems of a section with this text; a search would be an error."""
    monkeypatch.setattr(selected, "select", lambda *_: pytest.fail("the catalogue is searched"))
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
    assert asked.query.collections == ("a", "b") and asked.query.ids == ("x",) and asked.query.max_items == 5
    assert asked.query.datetime == "2015-01-01T00:00:00Z/.." and asked.query.bbox == (-10.0, 40.0, 5.0, 60.0)
    assert asked.query.query == {"y": {"gt": 1}, "z": {"eq": "q"}} and asked.query.properties == ["y", "z", "x"]
    assert asked.values == ["m", "n", "o"] and asked.assets.roles == ("data",) and asked.assets.names == ("d*",)
    assert asked.paths == {"https://h/a": "/b"} and asked.leave_out == ("retracted",) and asked.publish_items is True


def test_the_code_of_a_collections_projects_is_made_of_its_facets() -> None:
    assert section(projects="collection").code == "{collection}"
    assert section(projects="collection", facets=["a", "b", "a"]).code == "{collection}.{a}.{b}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colections: [a]", "unknown field 'colections' in the section: did you mean 'collections'?"),
        ("collections: 5", "collections is a number: write a list, [a, b]"),
        ("collections: []", "collections is an empty list"),
        ("collections: [a, 5]", "an entry of collections is a number, expected text: put it in quotes"),
        ("collections: ['']", "collections has an empty entry"),
        ("ids: [20200101]", "an entry of ids is a number, expected text: put it in quotes"),
        ("ids: [2020-01-01]", "an entry of ids is a date, expected text: put it in quotes"),
        ("ids: [[a]]", "an entry of ids is a list, expected text: write one text"),
        ("datetime: yesterday", "datetime 'yesterday' is no time and no interval: write 2015-01-01/2020-12-31"),
        ("datetime: ''", "datetime '' is no time and no interval"),
        ("datetime: 2020", "datetime is a number, expected text: put it in quotes"),
        ("datetime: 2020-01-01/2019-01-01", "datetime '2020-01-01/2019-01-01' ends before it begins"),
        ("datetime: [2020-01-01]", "datetime is a list, expected text"),
        ("bbox: [1, 2, 3]", "bbox is [1, 2, 3]: write four numbers of degrees, [west, south, east, north]"),
        ("bbox: [a, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: [true, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: [.nan, 0, 1, 1]", "write four numbers of degrees"),
        (f"bbox: [{'9' * 400}, 0, 1, 1]", "write four numbers of degrees"),
        ("bbox: world", "bbox is world: write four numbers"),
        ("bbox: [0, 10, 10, 0]", "bbox has its south above its north"),
        ("intersects: {type: Circle, coordinates: [0, 0]}", "intersects is no GeoJSON geometry"),
        ("intersects: {type: Point, coordinates: [a, b]}", "intersects is no GeoJSON geometry"),
        ("intersects: {type: Polygon, coordinates: [1, 2]}", "intersects is no GeoJSON geometry"),
        ("intersects: {type: [Point], coordinates: [0, 0]}", "intersects is no GeoJSON geometry"),
        ("intersects: {type: GeometryCollection, geometries: [1]}", "intersects is no GeoJSON geometry"),
        ("query: [a]", "query is a list: write a property and what is asked of it"),
        ("query: {a: {like: b}}", "query asks 'like' of 'a': known are eq, neq, lt"),
        ("query: {a: {in: b}}", "query asks 'in' of 'a': write a list of texts or numbers"),
        ("query: {a: {in: []}}", "query asks 'in' of 'a': write a list of texts or numbers"),
        ("query: {a: [b, c]}", "query asks 'eq' of 'a': write one text, number, or true or false; for several, {in: [a, b]}"),
        ("query: {a: {eq: {b: c}}}", "query asks 'eq' of 'a': write one text"),
        ("query: {a: null}", "query asks 'eq' of 'a': write one text"),
        ("query: {a: {gt: .nan}}", "query asks 'gt' of 'a': write one text"),
        ("query: {a: {startsWith: 5}}", "query asks 'startsWith' of 'a': write a text"),
        ("query: {a: {}}", "query asks nothing of 'a'"),
        ("filter: source_id =", "filter is not valid CQL2"),
        ("filter: [a]", "filter is a list: write CQL2, as text or as JSON"),
        ("filter: {op: '='}", "filter is not valid CQL2"),
        (f"filter: '{'(' * 5000}a = 1{')' * 5000}'", "filter has more than 500 operators and parentheses"),
        (f"filter: '{'NOT ' * 5000}a = 1'", "filter has more than 500 operators and parentheses"),
        (f"filter: {' OR '.join(f'a = {number}' for number in range(5000))}", "write x IN ('a', 'b') in the place of many OR"),
        ("max_items: 0", "max_items is 0: write a number from 1 up"),
        ("max_items: true", "max_items is True: write a number from 1 up"),
        ("max_items: 2.0", "max_items is 2.0: write a number from 1 up"),
        ("projects: items", "projects is 'items': write item (one item, one project) or collection"),
        ("projects: [item]", "projects is 'a list': write item"),
        ("facets: [a]", "facets tell the projects of a collection apart: write projects: collection"),
        ("code: name", "code 'name' names nothing"),
        ("code: '{id'", "code '{id' has a brace without its pair"),
        ("code: '{}'", "has a brace without its pair or with nothing in it"),
        ("code: 5", "code is a number, expected text"),
        ("assets: data", "assets is text: write a mapping with the fields roles, types, names"),
        ("assets: {role: data}", "unknown field 'role' in assets: did you mean 'roles'?"),
        ("assets: {roles: [5]}", "an entry of roles of assets is a number"),
        ("paths: Ceda", "there are no rules of paths called 'Ceda': did you mean 'ceda'?"),
        ("paths: [a]", "paths is a list: write beginnings of addresses"),
        ("paths: {'https://h': data}", "the path for 'https://h' is 'data': write an absolute path"),
        ("paths: {'https://h': [/a]}", "the path for 'https://h' is a list: write an absolute path"),
        ("paths: {'https://h': '/a;b'}", "path '/a;b' contains ';'"),
        ("paths: {'/': /a}", "the rule of paths for '/' is empty or given twice"),
        ("paths: {'https://h': /a, 'https://h/': /b}", "the rule of paths for 'https://h/' is empty or given twice"),
        ("leave_out: aggregated", "leave_out is text: write a list"),
        ("leave_out: [agregated]", "unknown entry 'agregated' of leave_out: did you mean 'aggregated'?"),
        ("publish_items: 'yes'", "publish_items is text: write true or false"),
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
        ("/nowhere/catalog.json", "there is no catalogue '/nowhere/catalog.json': correct its path"),
        ("sub/catalog.json", "sub/catalog.json': correct its path"),
        ("ftp://host/a", "catalogue 'ftp://host/a' has an unknown scheme"),
        ("https://me:secret@host/", "catalogue has a name or a password in its address"),
        ("https://", "catalogue is 'https://', which is no address"),
        ("'http://[::1'", "which is no address"),
        ("''", "catalogue is '', which is no address"),
        ("5", "catalogue is a number, expected text"),
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
        ("stac: [a]", "line 1: stac: the section is a list: write a mapping with the fields catalogue"),
        ("stac: https://host", "line 1: stac: the section is text: write a mapping"),
        ("stac: null", "there are no projects: add at least one, with its code and its pattern, or a section stac"),
    ],
)
def test_a_section_without_a_catalogue_is_refused(text: str, sentence: str, write: Any, problems: Any) -> None:  # noqa: F811
    (found,) = problems(write(f"{text}\n", "cci.yaml"))
    assert found.startswith(sentence)


def test_all_problems_are_told_at_once(told: Problems) -> None:
    search = "  bbox: [1]\n  datetime: never\n  query: {a: {like: b, in: c}}\n"
    found = told(f"{search}  projects: files\n  paths: {{'https://h': a}}\nupdates: {{title: null}}\n")
    assert [problem.split(": ")[0] for problem in found] == ["line 4", "line 5", "line 6", "line 6", "line 7", "line 8", "line 9"]


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
