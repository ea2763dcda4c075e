"""Source files in the order in which they are concatenated.

PADOCC takes files in glob order (`m_1, m_10, m_2`) and re-orders them between scan and compute while re-using what it cached by
index (`padocc/phases/compute.py:549,1187`), which gives products with files twice and files missing. Here the order is found
once, from the coordinates, before anything is cached, and PADOCC learns that it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padocc_dagster.pipeline.joining.survey import Header, Start, headers_of


@dataclass(frozen=True)
class Ordering:
    """Files in concatenation order, and the dimension that gave it (None: the files' own order was kept)."""

    files: tuple[str, ...]
    dimension: str | None
    note: str
    undecoded: tuple[str, ...] = ()
    """Times that cannot be decoded, which are ordered by their numbers and published as they are stored."""


def concatenation_order(files: Sequence[str], along: str | None = None) -> Ordering:
    """Order files by their headers; see `ordered`. Raises UnreadableSourceError naming every file that cannot be opened."""
    if any(file.endswith(".tif") for file in files):
        return Ordering(tuple(files), None, "GeoTIFF files keep the order of their names")
    return ordered(headers_of(files, along), along)


def ordered(headers: Sequence[Header], along: str | None = None) -> Ordering:
    """Order files by the first value of the one dimension coordinate that differs from file to file.

    `along` is the dimension along which they are known to follow each other: its coordinate orders them, else the times that have this
    dimension only, where they agree. Data never do. Times are compared decoded, because units may change from file to file; times
    that cannot be decoded by their numbers, where all have the same units.
    """
    files = tuple(header.path for header in headers)
    undecoded = {name: units for header in headers for name, units in header.undecoded.items()}
    note = "".join(f"; {name} ({units}) cannot be decoded and is published as it is stored" for name, units in undecoded.items())
    if len(files) == 1:
        return Ordering(files, None, f"one file{note}", tuple(undecoded))
    values = {name: found for name in headers[0].starts if (found := _values([header.starts.get(name) for header in headers]))}
    candidates = list(values)
    timelike = [name for name in candidates if headers[0].starts[name].is_time]
    chosen = [along] if along in candidates else timelike if along or len(timelike) == 1 else candidates
    orders = {name: _order(files, values[name], name) for name in chosen}
    if (len(chosen) != 1 and not along) or len(set(orders.values())) != 1:
        differing = ", ".join(candidates) or "none"
        what = f"neither the coordinate {along} nor the times along it order" if along else "no single coordinate orders"
        return Ordering(files, None, f"{what} the files (differing from file to file: {differing}){note}", tuple(undecoded))
    order = orders[chosen[0]]
    by = f"ordered by {'the numbers of ' if chosen[0] in undecoded else ''}{chosen[0]}"
    unsorted = "" if order == files else ", which is not the order of their names"
    return Ordering(order, chosen[0], f"{by}{unsorted}{note}", tuple(undecoded))


def _values(starts: Sequence[Start | None]) -> list[float] | None:
    """First values that differ from file to file and can be compared with each other; None where they cannot."""
    found = [start for start in starts if start is not None]
    if len(found) != len(starts):
        return None
    if any(start.is_time and start.seconds is None for start in found):
        values = [start.number for start in found] if len({start.units for start in found}) == 1 else []
    else:
        values = [start.number if start.seconds is None else start.seconds for start in found]
    return values if values and len(set(values)) == len(values) else None


def _order(files: Sequence[str], values: Sequence[float], name: str) -> tuple[str, ...]:
    """The files by their first values of a variable, which fall from file to file where they fall in the files."""
    import netCDF4

    with netCDF4.Dataset(files[0]) as dataset:
        variable = dataset[name]
        variable.set_auto_maskandscale(False)
        falls = bool(variable[-1] < variable[0])
    pairs = sorted(zip(values, files, strict=True), key=lambda pair: pair[0], reverse=falls)
    return tuple(file for _, file in pairs)
