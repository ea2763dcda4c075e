"""How projects are called."""

import pytest

from padocc_dagster.selection.stac.section import filled, names_in


@pytest.mark.parametrize(
    ("template", "names"),
    [("{id}", ["id"]), ("a-{x}.{y:z}-{x}", ["x", "y:z"]), ("none", []), ("{a b}", ["a b"]), ("{}", [])],
)
def test_names_stand_in_braces_and_count_once(template: str, names: list[str]) -> None:
    assert names_in(template) == names


@pytest.mark.parametrize(
    ("template", "values", "code"),
    [
        ("{a}", {"a": "CMIP6.x_1-2"}, "CMIP6.x_1-2"),
        ("v-{a}.{b}", {"a": "1", "b": "2"}, "v-1.2"),
        ("{a}", {"a": "100 km"}, "100-km"),
        ("{a}", {"a": "../../etc; rm -rf\n$(id)"}, "..-..-etc-rm--rf-id-"),
        ("{a}", {"a": "é\x00\ud800"}, "-"),
        ("{a}", {"a": "{b}"}, "-b-"),
        ("{a}{a}", {"a": "x"}, "xx"),
        ("a b/{a}", {"a": "x"}, "a-b-x"),
    ],
)
def test_what_a_code_may_not_hold_becomes_a_dash(template: str, values: dict[str, str], code: str) -> None:
    assert filled(template, values) == code
