"""The digest of a project changes when, and only when, one of its records does."""

import copy
import random
from collections.abc import Callable

import pytest

from padocc_dagster_tests.selection.stac.records import Record
from padocc_dagster_tests.selection.stac.selecting import item, section, selection

ASKED = section(projects="collection", facets=["variable", "run"])


def random_items(chance: random.Random) -> list[Record]:
    items = []
    for number in range(chance.randint(2, 40)):
        files = [f"/d/{number}/{file}.nc" for file in range(chance.randint(1, 4))]
        updated = f"2020-01-{chance.randint(1, 28):02d}T00:00:00Z"
        values = {"variable": chance.choice("tpq"), "run": [chance.randint(1, 2)], "updated": updated}
        made = item(f"i{number}", files, chance.choice("cd"), chance.randint(0, 300), **values)
        for asset in made["assets"].values():
            if chance.random() < 0.5:
                asset |= {"file:checksum": f"1220{chance.randbytes(32).hex()}", "file:size": chance.randint(1, 10**9)}
        items.append(made)
    return items


def digests(items: list[Record]) -> dict[str, str]:
    return {chosen.code: chosen.digest for chosen in selection(items, ASKED).projects}


def a_time(made: Record, chance: random.Random) -> None:
    made["properties"]["updated"] = f"2021-{chance.randint(1, 12):02d}-01T00:00:00Z"


def an_address(made: Record, chance: random.Random) -> None:
    chance.choice(list(made["assets"].values()))["href"] += "2"


def a_checksum(made: Record, chance: random.Random) -> None:
    chance.choice(list(made["assets"].values()))["file:checksum"] = f"1220{chance.randbytes(32).hex()}"


def a_size(made: Record, chance: random.Random) -> None:
    chance.choice(list(made["assets"].values()))["file:size"] = 10**10


def an_asset(made: Record, chance: random.Random) -> None:
    made["assets"]["more"] = {"href": "/d/more.nc", "type": "application/x-netcdf", "roles": ["data"]}


def a_name(made: Record, chance: random.Random) -> None:
    made["id"] += "x"


@pytest.mark.parametrize("seed", range(20))
def test_the_same_records_in_any_order_are_the_same_digests(seed: int) -> None:
    chance = random.Random(seed)
    items = random_items(chance)
    shuffled = copy.deepcopy(items)
    chance.shuffle(shuffled)
    assert digests(items) == digests(shuffled)
    assert len(set(digests(items).values())) == len(digests(items))


@pytest.mark.parametrize("change", [a_time, an_address, a_checksum, a_size, an_asset, a_name])
@pytest.mark.parametrize("seed", range(10))
def test_a_change_of_one_item_changes_one_project(seed: int, change: Callable[[Record, random.Random], None]) -> None:
    chance = random.Random(seed)
    items = random_items(chance)
    before, changed = digests(items), copy.deepcopy(items)
    change(chance.choice(changed), chance)
    after = digests(changed)
    assert before.keys() == after.keys() and sum(before[code] != after[code] for code in before) == 1


@pytest.mark.parametrize("seed", range(10))
def test_an_item_that_goes_changes_one_project(seed: int) -> None:
    chance = random.Random(seed)
    items = random_items(chance)
    before = digests(items)
    items.pop(chance.randrange(len(items)))
    after = digests(items)
    assert sum(before[code] != after.get(code) for code in before) == 1


@pytest.mark.parametrize("seed", range(10))
def test_what_no_file_depends_on_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    items = random_items(chance)
    changed = copy.deepcopy(items)
    made = chance.choice(changed)
    made["properties"]["title"] = "another"
    made["assets"]["quicklook"] = {"href": "./q.png", "type": "image/png", "roles": ["thumbnail"]}
    made["links"].append({"rel": "related", "href": "https://example.org"})
    assert digests(items) == digests(changed)
