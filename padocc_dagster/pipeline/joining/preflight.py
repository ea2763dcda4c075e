"""Which source files are not like the others, found in the headers of all of them before anything is made.

What each format cannot hold was tried with each kind of difference (`test_preflight.py` does so again). References are made of the files'
own bytes, so storage must be alike where files are joined. xarray writes a Zarr store with the first file's types and attributes. cfapyx
joins arrays of one type only, and keeps a packing for each file.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.attributes import Value, shown
from padocc_dagster.pipeline.comparison.encoding import units_problem
from padocc_dagster.pipeline.comparison.storage import hdf5_name
from padocc_dagster.pipeline.joining.declared import Declared, Filters, Variables
from padocc_dagster.pipeline.joining.odd import ALL, MOST_FILES, REFERENCES, Kind, Odd
from padocc_dagster.pipeline.joining.survey import Header
from padocc_dagster.pipeline.workdir.spec import CloudFormat

MOST_VALUES = 3
"""Of one variable and kind; where more differ, as the packing of each file, they are one difference."""
Formats = tuple[CloudFormat, ...]


class Having(NamedTuple):
    """A variable as some files declare it."""

    declared: Declared
    files: list[str]


class Joined(NamedTuple):
    """Along what the files follow each other."""

    concat: tuple[str, ...] | None
    """The dimensions; None where nothing is known yet."""
    is_stacked: bool
    """Whether the files have none of them, so that each variable gets a new dimension."""

    def axis(self, declared: Declared) -> int | None:
        return next((declared.dimensions.index(name) for name in self.concat or () if name in declared.dimensions), None)

    def joins(self, name: str, declared: Declared) -> bool:
        """Whether references of this variable join the files' own bytes. Both aggregators write coordinates of the dimension anew."""
        if self.concat is None or name in self.concat:
            return False
        return self.is_stacked or self.axis(declared) is not None


def odd_files(headers: Sequence[Header], concat: Iterable[str] | None, left_out: Iterable[str] = ()) -> list[Odd]:
    """The differences between the files, in the order of `Kind`.

    `headers` are in the order of concatenation along `concat`; `left_out` are the variables that the product does not have.
    """
    names = None if concat is None else tuple(concat)
    joined = Joined(names, names is not None and not {*names} & headers[0].sizes.keys())
    return sorted(_found(headers, joined, {*left_out}), key=lambda odd: list(Kind).index(odd.kind))


def _found(headers: Sequence[Header], joined: Joined, left_out: set[str]) -> Iterator[Odd]:
    groups: dict[int, tuple[Variables, list[str]]] = {}
    for header in headers:
        groups.setdefault(id(header.variables), (header.variables, []))[1].append(header.path)
    by_name = [(dict(variables.declared), variables.coordinates, files) for variables, files in groups.values()]
    names = [name for name in dict.fromkeys(name for declared, _, _ in by_name for name in declared) if name not in left_out]
    for name in names:
        having = [Having(declared[name], files) for declared, _, files in by_name if name in declared]
        lacking = [path for declared, _, files in by_name if name not in declared for path in files]
        if lacking:
            values = {"is present": [path for each in having for path in each.files], "is missing": lacking}
            yield from _differing(Kind.VARIABLES, name, values, str, ALL)
        else:
            places: dict[bool, list[str]] = {}
            for _, coordinates, files in by_name:
                places.setdefault(name in coordinates, []).extend(files)
            yield from _differing(Kind.COORDINATES, name, places, lambda found: "is a coordinate" if found else "is no coordinate", ALL)
        yield from _of_variable(name, having, joined)
        yield from _partial(name, having, joined, headers[-1].path)
    yield from _sizes(headers, joined, {name for declared, _, _ in by_name for name in declared} & {*names})
    yield from _calendars(headers, left_out)


def _of_variable(name: str, having: Sequence[Having], joined: Joined) -> Iterator[Odd]:
    """What differs of a variable between the files that have it."""
    first = having[0].declared
    references = REFERENCES if joined.joins(name, first) else ()
    is_coordinate = name in (joined.concat or ())

    def differing(kind: Kind, of: Callable[[Declared], Hashable], words: Callable[[Any], str], refused_by: Formats) -> Iterator[Odd]:
        values: dict[Hashable, list[str]] = {}
        for each in having:
            values.setdefault(of(each.declared), []).extend(each.files)
        yield from _differing(kind, name, values, words, refused_by)

    yield from differing(Kind.DIMENSIONS, lambda d: d.dimensions, lambda found: f"has dimensions ({', '.join(found)})", ALL)
    unlike = () if is_coordinate else _types_unlike(having)
    types = (("CFA",) if len({each.declared.dtype for each in having}) > 1 else (), references, unlike)
    refused = tuple(each for each in ALL if any(each in formats for formats in types))
    yield from differing(Kind.TYPE, _type, lambda found: f"is stored as {found}", refused)
    if all(each.declared.stored for each in having) and name not in (joined.concat or ()):
        yield from differing(Kind.FILTERS, lambda d: d.stored and d.stored.filters, filters_in_words, references)
        if len({each.declared.dimensions for each in having}) == 1:
            yield from differing(
                Kind.CHUNKS, lambda d: d.stored and d.stored.chunks, lambda found: f"has chunks of {_by(found)}", references
            )
    yield from differing(Kind.PACKING, lambda d: (d.encoding.scale, d.encoding.offset), _packing_in_words, (*REFERENCES, "zarr"))
    units: Formats = ALL if any(units_problem(each.declared.encoding, first.encoding) for each in having) else ()
    spelled = {each.declared.units for each in having}
    if not units and (None in spelled or not first.encoding.is_time):
        units = ("CFA",)
    yield from differing(
        Kind.UNITS, lambda d: d.units, lambda found: f"has units {found!r}" if found is not None else "has no units", units
    )
    yield from differing(Kind.FILL, lambda d: d.fill, _fill_in_words, ("CFA",))
    common = frozenset.intersection(*(frozenset(each.declared.meaning) for each in having))
    yield from differing(Kind.ATTRIBUTES, lambda d: tuple(each for each in d.meaning if each not in common), _attributes_in_words, ALL)


def _differing(
    kind: Kind, name: str, values: Mapping[Any, Sequence[str]], words: Callable[[Any], str], refused_by: Formats
) -> Iterator[Odd]:
    """What is not as in most files: value → files that have it."""
    if len(values) < 2:
        return
    usual, *odd = sorted(values.items(), key=lambda item: len(item[1]), reverse=True)
    if len(odd) > MOST_VALUES:
        together = [path for _, paths in odd for path in paths]
        listed = [(f"{words(odd[0][0])} in {odd[0][1][0]}, and otherwise in more ({len(odd)} ways),", together)]
    else:
        listed = [(words(value), list(paths)) for value, paths in odd]
    for has, paths in listed:
        yield Odd(
            kind=kind,
            variable=name,
            files=tuple(paths[:MOST_FILES]),
            count=len(paths),
            has=has,
            others=words(usual[0]),
            such_as=usual[1][0],
            others_count=len(usual[1]),
            refused_by=refused_by,
        )


def _type(declared: Declared) -> str:
    return declared.stored.dtype if declared.stored else declared.dtype


def _types_unlike(having: Sequence[Having]) -> Formats:
    """References and Zarr stores, where a whole number of one file would be read as of another type than in the product.

    Floating-point numbers may be read in another precision; what is packed, has missing values or is a time is decoded.
    """
    encodings = [each.declared.encoding for each in having]
    plain = not any(each.is_packed or each.fills or each.is_time for each in encodings)
    kinds = {each.dtype for each in encodings}
    return (*REFERENCES, "zarr") if plain and len(kinds) > 1 and not all(each.startswith("float") for each in kinds) else ()


def _partial(name: str, having: Sequence[Having], joined: Joined, last: str) -> Iterator[Odd]:
    """Files that end in the middle of a chunk, so that in references no other file can follow."""
    files, example = [], None
    for declared, paths in having:
        axis, stored = joined.axis(declared), declared.stored
        if axis is None or stored is None or not joined.joins(name, declared) or not stored.chunks[axis]:
            continue
        if stored.shape[axis] % stored.chunks[axis]:
            followed = [path for path in paths if path != last]
            files += followed
            example = example or (stored if followed else None)
    if example:
        has = f"ends in the middle of a chunk (shape {_by(example.shape)} in chunks of {_by(example.chunks)}), with files to follow,"
        kept = tuple(files[:MOST_FILES])
        yield Odd(kind=Kind.PARTIAL, variable=name, files=kept, count=len(files), has=has, refused_by=REFERENCES)


def _sizes(headers: Sequence[Header], joined: Joined, names: set[str]) -> Iterator[Odd]:
    """Dimensions of another size, beside that along which the files follow each other."""
    if joined.concat is None:
        return
    users: dict[str, set[str]] = {}
    for variables in {id(header.variables): header.variables for header in headers}.values():
        for name, declared in variables.declared:
            for dimension in declared.dimensions if name in names else ():
                users.setdefault(dimension, set()).add(name)
    for dimension in users.keys() - {*joined.concat}:
        sizes: dict[int, list[str]] = {}
        for header in headers:
            if dimension in header.sizes:
                sizes.setdefault(header.sizes[dimension], []).append(header.path)
        own = users[dimension] - {dimension}
        variable = next(iter(own)) if len(own) == 1 else ""
        yield from _differing(Kind.DIMENSIONS, variable, sizes, lambda size, name=dimension: f"has {size} values along {name}", ALL)  # type: ignore[misc]


def _calendars(headers: Sequence[Header], left_out: set[str]) -> Iterator[Odd]:
    """Coordinates along which files follow each other, whose numbers are days of other calendars."""
    found: dict[str, dict[str, list[str]]] = {}
    for header in headers:
        for name, start in header.starts.items():
            if start.is_time and name not in left_out:
                found.setdefault(name, {}).setdefault(start.calendar, []).append(header.path)
    for name, calendars in found.items():
        yield from _differing(Kind.CALENDAR, name, calendars, lambda calendar: f"has calendar {calendar}", ALL)


def filters_in_words(filters: Filters) -> str:
    """Filters for a reader, deflate with its level."""
    names = [f"deflate {parameters[0]}" if number == 1 and parameters else hdf5_name(number) for number, parameters in filters]
    return f"has filters {', '.join(names)}" if names else "has no filters"


def _packing_in_words(packing: tuple[float, float]) -> str:
    return "is not packed" if packing == (1.0, 0.0) else f"is packed with scale_factor {packing[0]:.9g} and add_offset {packing[1]:.9g}"


def _attributes_in_words(attributes: tuple[tuple[str, Any], ...]) -> str:
    listed = ", ".join(f"{name} {shown(_plain(value))}" for name, value in attributes)
    return f"has {listed}" if listed else "lacks attributes that say what its values are"


def _fill_in_words(fill: Value | None) -> str:
    return "declares no _FillValue" if fill is None else f"has _FillValue {_plain(fill)}"


def _plain(value: Value) -> Any:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _by(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "one value"
