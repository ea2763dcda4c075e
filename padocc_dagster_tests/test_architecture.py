"""The page about the architecture shows the code as it is."""

import re
from pathlib import Path

import padocc_dagster
from tools.architecture import PAGE, rooms_and_arrows, with_picture, without_shortcuts

ROOT = Path(padocc_dagster.__file__).parent


def test_the_page_has_the_current_picture() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_picture(text), "run: python -m tools.architecture"


def test_an_arrow_is_left_out_where_a_longer_way_leads_there() -> None:
    assert without_shortcuts({("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "c")}) == {
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "c"),
    }


def test_the_rooms_are_all_there() -> None:
    rooms, arrows = rooms_and_arrows()
    assert {"conductor/", "pipeline/", "definitions.py"} <= set(rooms.values())
    assert ("conductor", "pipeline") in arrows


def test_the_files_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists() and name != "padocc_dagster/unfinished/"] == []
