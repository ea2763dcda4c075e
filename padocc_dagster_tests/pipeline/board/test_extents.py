"""Where on the globe a product lies, from longitudes and latitudes of every kind."""

import numpy as np
import pytest

from padocc_dagster.pipeline.board.extents import boxes

NORTH = np.array([40.0, 60.0])


@pytest.mark.parametrize(
    "longitudes, expected",
    [
        (np.arange(-10, 21), [(-10, 20)]),
        (np.arange(0, 360, 2.5), [(-180, 180)]),
        (np.arange(-179.75, 180, 0.5), [(-180, 180)]),
        (np.arange(170, 200), [(170, 180), (-180, -161)]),
        (np.arange(350, 371), [(-10, 10)]),
        (np.array([12.5]), [(12.5, 12.5)]),
        (np.array([-170.0, 170.0]), [(170, 180), (-180, -170)]),
        (np.array([np.nan, 5.0, 1e20, 7.0]), [(5, 7)]),
    ],
    ids=["region", "globe to 360", "globe to 180", "over the date line", "over Greenwich", "station", "two stations", "missing values"],
)
def test_the_widest_gap_around_the_globe_is_left_out(longitudes: np.ndarray, expected: list[tuple[float, float]]) -> None:
    assert [(west, east) for west, _, east, _ in boxes(longitudes, NORTH)] == expected


def test_latitudes_are_from_south_to_north_without_what_is_none() -> None:
    assert boxes(np.array([1.0, 2.0]), np.array([50.0, -20.0, 1e20, np.nan])) == ((1.0, -20.0, 2.0, 50.0),)


def test_without_any_coordinate_there_is_no_box() -> None:
    assert boxes(np.array([]), NORTH) == () and boxes(np.array([1.0]), np.array([np.nan])) == ()
