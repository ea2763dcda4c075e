"""What a comparison is asked for."""

from dataclasses import dataclass, field
from typing import Any, Literal

from padocc_dagster.pipeline.workdir.product import Product


@dataclass(frozen=True)
class Request:
    """One product, and the source files that it must equal."""

    product: Product
    sources: tuple[str, ...]
    """Absolute paths in the order of concatenation."""
    variables: tuple[str, ...] = ()
    """The variables that were to be kept (with their coordinates); empty for all."""
    dropped: tuple[str, ...] = ()
    """The variables that were to be left out: the only ones whose absence is no problem."""
    along: tuple[str, ...] = ()
    """The dimension along which the files were to be joined; empty where it may be any."""
    identical: tuple[str, ...] = ()
    """The variables declared to be the same in all files: what differs within `identical_within` is reported, and no problem."""
    identical_within: float | None = None
    """The largest difference between two values declared identical; None for the precision of single-precision numbers."""
    updates: dict[str, Any] = field(default_factory=dict)
    """Global attributes that must have these values in the product."""
    removals: tuple[str, ...] = ()
    """Global attributes that must not be in the product."""
    compare: Literal["auto", "all"] | int = "auto"
    """How many files are read in full: see `sample.choose`."""
    seed: int = 0
    """Seed of the random sample."""
    cpus: int = 1
    """How many processes may read values at the same time."""
