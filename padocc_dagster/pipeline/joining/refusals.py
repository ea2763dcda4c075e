"""Why sources cannot be made into the product that the config describes, as exceptions that carry typed details.

Each names the files, the variable, what was expected and what to do; `remedies/own.py` has the commands. Nothing is detected here.
"""

from collections.abc import Iterable
from typing import Any


class SourcesRefused(ValueError):
    """Source files that do not go together. `details` become those of the phase's outcome."""

    def __init__(self, message: str, variable: str = "", files: Iterable[str] = (), **details: Any):
        super().__init__(message)
        self.details = {"files": list(files), **({"variable": variable} if variable else {}), **details}

    def get_str(self) -> str:
        """What PADOCC writes into its status log (`padocc/core/errors.py:59`)."""
        return f"Failed-{type(self).__name__}"


class DifferingEncodingError(SourcesRefused):
    """Files store a variable in other types, filters or chunks, of which kerchunk references can hold one kind only."""


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


def details_of(error: BaseException) -> dict[str, Any]:
    """The typed details that an exception carries; empty for one that carries none."""
    return dict(getattr(error, "details", None) or {})


def with_details(error: Exception, **details: Any) -> Exception:
    """Add details to an exception, and return it."""
    error.details = {**details_of(error), **details}  # type: ignore[attr-defined]
    return error
