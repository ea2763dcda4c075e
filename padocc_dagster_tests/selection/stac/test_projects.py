"""The projects that records make: their codes, their facets, and the order of their records."""

from typing import Any

import pytest

from padocc_dagster_tests.selection.stac.selecting import grouped, item, section

COLLECTION = {"projects": "collection"}


def test_one_item_is_one_project_called_by_its_identifier() -> None:
    projects, problems = grouped([item("b"), item("a")], section())
    assert [(chosen.code, len(chosen.records)) for chosen in projects] == [("a", 1), ("b", 1)] and not problems


def test_one_collection_is_one_project() -> None:
    projects, problems = grouped([item("a"), item("b", collection="d"), item("e")], section(**COLLECTION))
    found = {chosen.code: [record.id for record in chosen.records] for chosen in projects}
    assert found == {"c": ["a", "e"], "d": ["b"]} and not problems


def test_facets_tell_the_projects_of_a_collection_apart() -> None:
    values = [("t", 1), ("p", 1), ("t", 2), ("t", 1)]
    items = [item(f"i{number}", variable=variable, run=[run]) for number, (variable, run) in enumerate(values)]
    projects, problems = grouped(items, section(facets=["variable", "run"], **COLLECTION))
    found = {chosen.code: [record.id for record in chosen.records] for chosen in projects}
    assert found == {"c.p.1": ["i1"], "c.t.1": ["i0", "i3"], "c.t.2": ["i2"]} and not problems


def test_records_are_in_order_of_their_beginnings_and_not_of_their_names() -> None:
    items = [item("a", first=30), item("b", first=9), item("d", first=100), item("c", first=9)]
    items.append(item("0", start_datetime=None, datetime="2000-01-05T00:00:00Z"))
    ((chosen,), _) = grouped(items, section(**COLLECTION))
    assert [record.id for record in chosen.records] == ["0", "b", "c", "a", "d"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x" * 300, "has 300 characters: use at most 100"),
        ("x" * 100_000, "has 100000 characters"),
        ("20200101", "is only digits"),
        ("..", "is not safe"),
        ("a/../b", "has '..'"),
        ("é", "project code '-' is not safe"),
        ("-rf", "is not safe"),
        ("proj_code_1", "contains 'proj_code'"),
        ("/", "is not safe"),
    ],
)
def test_an_identifier_that_makes_no_code_is_refused(name: str, sentence: str) -> None:
    _, (problem,) = grouped([item("good"), item(name)], section())
    assert problem.startswith("line 1: 1 of the items get no good code, as '") and sentence in problem and len(problem) < 600


def test_all_bad_codes_are_one_problem() -> None:
    _, (problem,) = grouped([item(str(number)) for number in range(50)], section())
    assert problem.startswith("line 1: 50 of the items get no good code, as '0'")


@pytest.mark.parametrize(("one", "other", "code"), [("a b", "a/b", "a-b"), ("A", "a", "A"), ("tas_Amon", "TAS_amon", "tas_Amon")])
def test_two_items_that_would_be_called_alike_are_told(one: str, other: str, code: str) -> None:
    _, (problem,) = grouped([item(one), item(other)], section())
    assert problem == f"line 1: 2 projects would be called '{code}': of {one!r}, {other!r}; name more properties in `code`"


def test_an_item_of_two_collections_is_two_projects_that_may_not_share_a_code() -> None:
    items = [item("a"), item("a", collection="d")]
    _, (problem,) = grouped(items, section())
    assert "2 projects would be called 'a'" in problem
    projects, problems = grouped(items, section(code="{collection}.{id}"))
    assert [chosen.code for chosen in projects] == ["c.a", "d.a"] and not problems


def test_collections_that_would_be_called_alike_are_told_with_an_item_of_each() -> None:
    items = [item("a", v="x"), item("b", v="x"), item("z", collection="d", v="x")]
    _, (problem,) = grouped(items, section(code="{v}", **COLLECTION))
    assert "2 projects would be called 'x': of 'c with a', 'z'" in problem


def test_a_code_that_the_items_of_a_project_do_not_share_is_told() -> None:
    _, (problem,) = grouped([item("a", v="1"), item("b", v="2")], section(code="{v}", **COLLECTION))
    assert problem == "line 1: code '{v}' calls the items of one project '1', '2': name what they share, or more facets"


def test_items_without_source_files_are_told_together() -> None:
    items = [item(f"i{number}", files=()) for number in range(5)]
    projects, (problem,) = grouped([*items, item("good")], section())
    expected = "line 1: 5 of the items are without source files: 'i0', 'i1', 'i2' and 2 more; source files are NetCDF or HDF data"
    assert problem.startswith(expected)
    assert "write `assets`" in problem and [chosen.code for chosen in projects] == ["good"]


@pytest.mark.parametrize("value", [None, "", {}, [], [None], {"a": 1}])
def test_a_property_that_says_nothing_is_missing(value: Any) -> None:
    _, (problem,) = grouped([item("a", variable=value), item("b", variable="t")], section(code="{variable}"))
    assert problem.startswith("line 1: 1 of the items are without the property 'variable': 'a'; others have it")


def test_a_misspelt_property_is_told_with_what_was_meant() -> None:
    _, (problem,) = grouped([item("a", variable="t")], section(code="{varable}"))
    assert "1 of the items are without the property 'varable': 'a'; did you mean 'variable'? known are" in problem


@pytest.mark.parametrize(
    ("value", "code"),
    [("t", "x-t"), (5, "x-5"), (5.5, "x-5.5"), (True, "x-true"), (False, "x-false"), (0, "x-0"), (["a", "b"], "x-a-b"), ([[1]], "x-1")],
)
def test_values_of_properties_are_written_as_text(value: Any, code: str) -> None:
    ((chosen,), problems) = grouped([item("a", v=value)], section(code="x-{v}"))
    assert chosen.code == code and not problems
