"""Where on the globe a product lies: boxes of longitude and latitude, from the coordinates of a source file.

Functions of values, and of an open netCDF4 dataset; nothing is written.
"""

from typing import Any

Box = tuple[float, float, float, float]
"""West, south, east, north: degrees, west from -180 on, and never east of 180."""
UNITS = {
    "longitude": ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"),
    "latitude": ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"),
}
"""What CF 1.11 (4.1, 4.2) takes for degrees of each; in small letters."""
MOST_POINTS = 100_000
FEWEST_OF_A_GRID = 8
"""Longitudes from which on a grid without a larger gap than the others goes around the globe."""


def boxes_in(dataset: Any) -> tuple[Box, ...]:
    """One box, or two where it crosses 180°; none where the dataset has no longitude and latitude."""
    longitude, latitude = coordinate(dataset, "longitude"), coordinate(dataset, "latitude")
    if longitude is None or latitude is None:
        return ()
    return boxes(_values(longitude), _values(latitude))


def coordinate(dataset: Any, name: str) -> Any:
    """The variable that is the `longitude` or the `latitude`, by its standard name or its units; None where none is."""
    variables = list(dataset.variables.values())
    named = [each for each in variables if str(getattr(each, "standard_name", "")) == name]
    measured = [each for each in variables if str(getattr(each, "units", "")).lower() in UNITS[name]]
    found = [each for each in (*named, *measured) if each.ndim <= 2 and each.dtype != str]
    return found[0] if found else None


def boxes(longitudes: Any, latitudes: Any) -> tuple[Box, ...]:
    """The boxes of all points: the widest gap between two longitudes is left out, around the globe. Arrays of any shape."""
    import numpy as np

    east = np.unique(np.round((longitudes[np.isfinite(longitudes) & (np.abs(longitudes) <= 720)] + 180) % 360 - 180, 4))
    north = latitudes[np.isfinite(latitudes) & (np.abs(latitudes) <= 90)]
    if not east.size or not north.size:
        return ()
    south, north = float(north.min()), float(north.max())
    gaps = np.diff(np.append(east, east[0] + 360))
    widest = int(np.argmax(gaps))
    if east.size >= FEWEST_OF_A_GRID and gaps[widest] <= max(2 * float(np.median(gaps)), 1.0):
        return ((-180.0, south, 180.0, north),)
    begin, end = float(east[(widest + 1) % east.size]), float(east[widest])
    if begin <= end:
        return ((begin, south, end, north),)
    return (begin, south, 180.0, north), (-180.0, south, end, north)


def _values(variable: Any) -> Any:
    """Some of the values, spread over all of them, as float64, missing ones as NaN."""
    import numpy as np

    step = 1 if variable.size <= MOST_POINTS else int(np.ceil((variable.size / MOST_POINTS) ** (1 / variable.ndim)))
    return np.ma.filled(np.ma.asarray(variable[(slice(None, None, step),) * variable.ndim], dtype="f8"), np.nan).ravel()
