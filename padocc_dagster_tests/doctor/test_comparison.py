"""What is said of a compute node that differs from this host."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.doctor.comparison import compare
from padocc_dagster.doctor.line import Line, Verdict, is_fine
from padocc_dagster.doctor.node import PACKAGES, Facts

WORKDIR, LOGS = Path("/data/work"), Path("/data/logs")
FOLDERS = {"log folder": LOGS, "WORKDIR": WORKDIR}
HERE = Facts("head", "3.11.2", "/env/bin/python", dict.fromkeys(PACKAGES, "1.0"), 1000, 0o022, 0.0)
THERE = replace(
    HERE, host="node7", workdir=str(WORKDIR), read={str(LOGS): "x", str(WORKDIR): "x"}, wrote="y", database="x", memory_limit_mib=1024
)
SEEN = {LOGS: "y", WORKDIR: "y"}


def lines(seen: dict[Path, str] = SEEN, here: Facts = HERE, **there: Any) -> list[Line]:
    return compare(here, replace(THERE, **there), FOLDERS, seen, "x")


def only_problem(found: list[Line]) -> str:
    (problem,) = [line for line in found if line.verdict is Verdict.WRONG]
    return str(problem)


def test_a_node_like_this_host_is_fine() -> None:
    found = lines()
    assert is_fine(found) and len(found) == 9
    assert "1024 MiB" in found[-1].text


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({"python": "3.9.18"}, "Python is 3.9.18 (/env/bin/python), here it is 3.11.2"),
        ({"packages": {**HERE.packages, "dagster": "0.9"}}, "dagster is 0.9, here it is 1.0: set `python` or `set_up`"),
        ({"packages": {**HERE.packages, "padocc": None}}, "padocc is not installed"),
        ({"user_id": 7}, "jobs run as user 7, here it is 1000"),
        ({"umask": 0o077}, "the umask is 077, here it is 022: write `umask 022` in set_up"),
        ({"workdir": None}, "WORKDIR is not set there: write `environment: [WORKDIR]`"),
        ({"clock_ahead_seconds": 61.0}, "61 s ahead of this one"),
        ({"clock_ahead_seconds": -3600.0}, "3600 s behind this one"),
        ({"clock_ahead_seconds": None}, "cannot be compared"),
        ({"database": "z"}, "another database than here"),
        ({"database_problem": "connection refused"}, "connection refused: let the database's host"),
        ({"read": {str(LOGS): "x", str(WORKDIR): "older"}}, "what is written to /data/work here is not seen there"),
    ],
)
def test_a_difference_is_named_with_what_to_do(there: dict[str, Any], words: str) -> None:
    assert words in only_problem(lines(**there))


def test_a_folder_of_the_same_name_that_is_another_one_is_told() -> None:
    found = lines({LOGS: "y"}, read={str(LOGS): "x", str(WORKDIR): ""})
    assert "/data/work there is not the folder that head has" in only_problem(found)


def test_a_folder_that_the_node_cannot_write_to_is_told() -> None:
    assert "what is written to /data/logs there is not seen here" in only_problem(lines({WORKDIR: "y"}))


def test_a_node_that_wrote_nothing_is_not_taken_for_one_that_wrote() -> None:
    assert "not seen here" in only_problem([line for line in lines({LOGS: "", WORKDIR: ""}, wrote="") if "log folder" in line.subject])


def test_a_clock_is_judged_by_its_distance_from_this_one() -> None:
    assert is_fine(lines(here=replace(HERE, clock_ahead_seconds=500.0), clock_ahead_seconds=520.0))


def test_a_cluster_without_memory_limits_is_said_to_be_so_and_is_fine() -> None:
    found = lines(memory_limit_mib=None)
    assert is_fine(found) and "no cgroup" in found[-1].text
