"""One comparison while it runs: what is requested, what was read so far, how each variable is compared, and what was found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.products import OpenProduct, ProductVariable, opened_product
from padocc_dagster.pipeline.comparison.reading import ProductReader
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Common, Header, SourceVariable


class Fragments(NamedTuple):
    """The fragments of one aggregated variable of a CFA aggregation."""

    uris: Any
    """Array of texts, a cell for each fragment."""
    identifiers: Any
    lengths: Any
    """The sizes of the fragments along each dimension, a row for each."""
    dimensions: tuple[str, ...]


@dataclass
class Plan:
    """How one variable is compared, and how far that has come."""

    product: ProductVariable
    reader: ProductReader
    joined: bool
    """The product holds as texts what the files hold as characters."""
    owner: int = 0
    """The file that the product's only copy comes from, for a variable that is not concatenated."""
    kinds: dict[Any, int] = field(default_factory=dict)
    """For each way in which files store and encode the variable, the first file that does."""
    forced: set[int] = field(default_factory=set)
    """Files whose values must be read, because nothing else proves them."""
    changed: dict[SourceVariable, list[str]] = field(default_factory=dict)
    """For each form the variable has in the files: in what its encoding differs from the product's."""
    rewritten: bool = False
    """The product holds the values anew, and not as references to the files' own."""
    exact_up_to: int | None = None
    """The largest whole number that the product carries exactly, where it reads whole numbers as floating-point ones."""
    proved: int = 0
    """Files whose every reference to their values is proved."""
    compared: int = 0
    """Files whose values were read and compared."""
    chunks_expected: int | None = None
    chunks_present: int | None = None

    @property
    def how(self) -> str:
        """In a word, how the values were compared."""
        read = "decoded" if any(self.changed.values()) else "raw"
        return f"references, {read}" if self.proved else read

    def representatives(self) -> set[int]:
        """One file of each kind."""
        return set(self.kinds.values())


@dataclass
class Case:
    """One comparison."""

    request: Request
    findings: Findings = field(default_factory=Findings)
    references: dict[str, Any] | None = None
    """Of a kerchunk JSON file, read before the product is opened."""
    fragments: dict[str, Fragments] = field(default_factory=dict)
    """Of a CFA aggregation, read before the product is opened."""
    common: Common = field(default_factory=Common)
    headers: list[Header] = field(default_factory=list)
    product: OpenProduct = field(init=False)
    placement: Placement = field(init=False)
    plans: dict[str, Plan] = field(default_factory=dict)
    files_compared: int = 0
    sampling: str = "nothing was compared"

    @property
    def sources(self) -> tuple[str, ...]:
        return self.request.sources

    @property
    def cloud_format(self) -> str:
        return self.request.product.cloud_format

    @contextmanager
    def opened(self) -> Iterator[OpenProduct]:
        """Open the product, decoding off."""
        with opened_product(self.request.product, self.references) as product:
            yield product
