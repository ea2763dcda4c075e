"""Why sources cannot be made into the product that the config describes, as exceptions that carry typed details.

Each names the files, the variable, what was expected and what to do; `remedies/own.py` has the commands. Nothing is detected here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from padocc_dagster.pipeline.joining.odd import Kind, Odd


class SourcesRefused(ValueError):
    """Source files that do not go together. `details` become those of the phase's outcome."""

    def __init__(self, message: str, variable: str = "", files: Iterable[str] = (), **details: Any):
        super().__init__(message)
        self.details = {"files": list(files), **({"variable": variable} if variable else {}), **details}

    def get_str(self) -> str:
        """What PADOCC writes into its status log (`padocc/core/errors.py:59`)."""
        return f"Failed-{type(self).__name__}"


class DifferingEncodingError(SourcesRefused):
    """Files store a variable with other filters or chunks, of which kerchunk references can hold one kind only."""


class DifferingTypeError(SourcesRefused):
    """Files store a variable as numbers of other types, of which the product has one."""


class DifferingDimensionsError(SourcesRefused):
    """A variable has other dimensions in some files, or a dimension another size."""


class DifferingMeaningError(SourcesRefused):
    """Units, or attributes that give values their meaning, are not the same in all files."""


class DifferingMissingValuesError(SourcesRefused):
    """Files declare another `_FillValue`, of which a CFA aggregation takes one."""


class PartialChunksError(SourcesRefused):
    """A file ends in the middle of a chunk, and others follow it, which kerchunk references cannot say."""


class UnsupportedFilterError(SourcesRefused):
    """A variable has an HDF5 filter that kerchunk references cannot undo."""


class DifferingPackingError(SourcesRefused):
    """Files pack a variable with scales or offsets of their own, of which a product's variable can have only one."""


class ConflictingMissingValuesError(SourcesRefused):
    """A variable declares a `_FillValue` and another `missing_value`, which xarray cannot write once it has decoded them."""


class DifferingCoordinateError(SourcesRefused):
    """A coordinate that all files share differs in the last digits of some, so that it looks like a dimension of aggregation."""


class DifferingGridError(SourcesRefused):
    """A coordinate beside the one along which the files follow each other is not the same in all of them."""


class DifferingCalendarError(SourcesRefused):
    """Times of some files are counted in another calendar, in which the same number is another day."""


class GroupsInSourceError(SourcesRefused):
    """A file has groups, of which a product keeps the root only."""


class DifferingVariablesError(SourcesRefused):
    """A variable is in some of the files only."""


class DifferingSharedVariableError(SourcesRefused):
    """A variable that a product has once for all files is not the same in all of them."""


class TextsInAggregationError(SourcesRefused):
    """A variable holds texts of variable length, at which the reader of CFA aggregations crashes."""


class EmptySourceError(SourcesRefused):
    """A file has no step along the dimension of aggregation."""


class SourcesOverlapError(SourcesRefused):
    """Several files have the same place along the dimension of aggregation, of which a CFA aggregation keeps one."""


BY_KIND: dict[Kind, type[SourcesRefused]] = {
    Kind.VARIABLES: DifferingVariablesError,
    Kind.CALENDAR: DifferingCalendarError,
    Kind.DIMENSIONS: DifferingDimensionsError,
    Kind.TYPE: DifferingTypeError,
    Kind.FILTERS: DifferingEncodingError,
    Kind.CHUNKS: DifferingEncodingError,
    Kind.PARTIAL: PartialChunksError,
    Kind.PACKING: DifferingPackingError,
    Kind.UNITS: DifferingMeaningError,
    Kind.ATTRIBUTES: DifferingMeaningError,
    Kind.COORDINATES: DifferingMeaningError,
    Kind.FILL: DifferingMissingValuesError,
}


def refusal_among(odd: Sequence[Odd], cloud_format: str) -> SourcesRefused | None:
    """Why no product of this format can be made of files with these differences; None where one can be.

    It names the first difference, and says how many more there are.
    """
    refused = [each for each in odd if cloud_format in each.refused_by and each.kind in BY_KIND]
    if not refused:
        return None
    first, more = refused[0], len(refused) - 1
    message = f"{first.sentence}. {first.meaning_for(cloud_format)}" + (f" (and {more} more difference(s))" if more else "")
    return BY_KIND[first.kind](message, first.variable, first.files, kind=str(first.kind))


def details_of(error: BaseException) -> dict[str, Any]:
    """The typed details that an exception carries; empty for one that carries none."""
    return dict(getattr(error, "details", None) or {})


def with_details(error: Exception, **details: Any) -> Exception:
    """Add details to an exception, and return it."""
    error.details = {**details_of(error), **details}  # type: ignore[attr-defined]
    return error
