"""Why source files cannot be joined into one product, found in their headers before anything is made."""

import os
from collections.abc import Iterable, Iterator, Sequence

from padocc_dagster.pipeline.joining.order import ordered
from padocc_dagster.pipeline.joining.refusals import (
    DifferingCoordinateError,
    DifferingGridError,
    EmptySourceError,
    GroupsInSourceError,
    SourcesOverlapError,
    SourcesRefused,
)
from padocc_dagster.pipeline.joining.survey import Header
from padocc_dagster.pipeline.workdir.names import some


def refusal_in(headers: Sequence[Header], declared: Iterable[str], along: str | None = None) -> SourcesRefused | None:
    """Why no product can be made of these files; None where nothing is found.

    `declared` are names that the config has spoken of, `along` is the dimension that it says the files follow each other along.
    """
    return next(_refusals(headers, {*declared}, along), None)


def _refusals(headers: Sequence[Header], declared: set[str], along: str | None) -> Iterator[SourcesRefused]:
    yield from _groups(headers)
    yield from _twice(headers)
    yield from _empty(headers)
    yield from _drifted(headers, declared)
    yield from _apart(headers, declared, along)


def _groups(headers: Sequence[Header]) -> Iterator[GroupsInSourceError]:
    grouped = [header for header in headers if header.groups]
    if grouped:
        message = (
            f"{some(header.path for header in grouped)} has groups ({', '.join(grouped[0].groups)}), which products do not keep: "
            "write its variables into the root of a new file (`ncks -G : in.nc out.nc`), and scan that"
        )
        yield GroupsInSourceError(message, files=(header.path for header in grouped))


def _twice(headers: Sequence[Header]) -> Iterator[SourcesOverlapError]:
    places: dict[tuple[int, int], list[str]] = {}
    for header in headers:
        status = os.stat(header.path)
        places.setdefault((status.st_dev, status.st_ino), []).append(header.path)
    twice = [paths for paths in places.values() if len(paths) > 1]
    if twice:
        message = (
            f"{twice[0][0]} and {twice[0][1]} are one file under two names, as a link has it ({len(twice)} file(s) are among the sources "
            "more than once). Edit the pattern so that it finds each file once"
        )
        yield SourcesOverlapError(message, files=(path for paths in twice for path in paths))


def _empty(headers: Sequence[Header]) -> Iterator[EmptySourceError]:
    """Files that have a dimension with nothing along it. A file that lacks the dimension lacks variables, which the comparison finds."""
    for name in headers[0].sizes:
        empty = [header.path for header in headers if header.sizes.get(name) == 0]
        others = sum(1 for header in headers if header.sizes.get(name))
        if empty and others:
            message = (
                f"{some(empty)} has no values along {name}, which {others} other file(s) have: "
                "replace the file, or edit the pattern so that it is left out"
            )
            yield EmptySourceError(message, files=empty, dimension=name)


def _drifted(headers: Sequence[Header], declared: set[str]) -> Iterator[DifferingCoordinateError]:
    for name in dict.fromkeys(name for header in headers for name in header.drift if name not in declared):
        odd = {header.path: header.drift[name] for header in headers if name in header.drift}
        message = (
            f"variable {name} differs in the last digits in {some(odd)}: by up to {max(odd.values()):.2g} from {headers[0].path}. "
            f"Declare it identical with identical_dims: [{name}], and the first file's values are taken"
        )
        yield DifferingCoordinateError(message, name, odd)


def _apart(headers: Sequence[Header], declared: set[str], along: str | None) -> Iterator[DifferingGridError]:
    """Coordinates that differ beside the one along which the files follow each other, as that of a file on another grid."""
    names = dict.fromkeys(name for header in headers for name in header.apart if name not in declared)
    joined = ordered(headers, along).dimension if names else None
    for name in names if joined else ():
        odd = {header.path: header.apart[name] for header in headers if name in header.apart}
        if name != joined:
            which = f"{headers[0].path} from all others" if len(odd) == len(headers) - 1 > 1 else some(odd)
            message = (
                f"variable {name} differs in {which}: by up to {max(odd.values()):.4g} from {headers[0].path}. The files follow each other "
                f"along {joined}, and a product has one {name} for all. Replace those files, or edit the pattern so that they are left out"
            )
            yield DifferingGridError(message, name, odd)
