"""The table of projects: readable at 80 columns, a line for each project where there is room."""

from datetime import datetime

import pytest

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import ProjectState
from padocc_dagster.status import Kind, Standing
from padocc_dagster.status.table import status_table

NOW = datetime(2026, 11, 28, 14, 0)
WHY = "DifferingEncodingError: tas has chunks (1, 180, 360) in /archive/cmip/tas/tas_day_1990-1999.nc and (5, 180, 360) in the others"
ROWS = [
    Standing(
        Project("cmip", "tas"), ProjectState("complete", Verdict.OK, "Success", datetime(2026, 11, 27, 9, 0), ""), kind=Kind.PUBLISHED
    ),
    Standing(Project("cmip", "pr-daily"), ProjectState("scan", Verdict.FAILED, "x", datetime(2026, 11, 28, 9, 5), WHY), kind=Kind.STOPPED),
]


def lines(width: int, with_group: bool = True) -> list[str]:
    return status_table(ROWS, width, with_group, NOW).plain.splitlines()


def test_at_80_columns_the_reason_is_beneath_its_row_in_whole_words() -> None:
    found = lines(80)
    assert max(map(len, found)) <= 80
    assert found[1].split() == ["cmip", "tas", "complete", "ok", "2026-11-27"] and found[2].split() == [
        "cmip",
        "pr-daily",
        "scan",
        "failed",
        "09:05",
    ]
    assert " ".join(line.strip() for line in found[3:]) == WHY, "no word is broken"
    assert all(line.startswith("    ") for line in found[3:])


def test_with_room_there_is_one_line_for_each_project() -> None:
    found = lines(250)
    assert len(found) == 3 and found[2].endswith(WHY) and found[0].endswith("why")


@pytest.mark.parametrize("width", [80, 250])
def test_one_group_needs_no_column_for_it(width: int) -> None:
    assert not any("cmip" in line.split() for line in lines(width, with_group=False))


def test_a_path_longer_than_a_line_stays_whole() -> None:
    assert any("/archive/cmip/tas/tas_day_1990-1999.nc" in line for line in lines(36))
