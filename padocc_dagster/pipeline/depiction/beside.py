"""A product open beside its source files: where each file lies in it, and what of it is as the config asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate

from padocc_dagster.pipeline.comparison.placement import STACKED, Placement, place
from padocc_dagster.pipeline.comparison.products import OpenProduct, opened_product
from padocc_dagster.pipeline.comparison.references import load_json
from padocc_dagster.pipeline.comparison.sources import Common, Header, SourceVariable, read_header
from padocc_dagster.pipeline.depiction.structure import ABSENT, Row
from padocc_dagster.pipeline.workdir.files import read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product, product_of
from padocc_dagster.pipeline.workdir.specs import spec_of


@contextmanager
def opened_whatever(product: Product) -> Iterator[OpenProduct]:
    """Open a product of any format, decoding off."""
    references = load_json(product.path) if product.cloud_format == "kerchunk" else None
    with opened_product(product, references) as dataset:
        yield dataset


@contextmanager
def both_opened(workdir: Workdir, project: Project) -> Iterator[tuple[list[str], list[Header], OpenProduct]]:
    """The source files that can be read, their headers, and the product."""
    common = Common()
    sources, headers = [], []
    for path in read_lines(workdir.allfiles(project)):
        headers.append(read_header(path, common))
        sources.append(path)
    if not sources:
        raise ValueError("the project has no source files")
    with opened_whatever(product_of(workdir, project)) as product:
        yield sources, headers, product


def placement_of(headers: list[Header], product: OpenProduct) -> Placement:
    """Where files lie in the product; where that cannot be said, as if all were there, one after another along what is unlike."""
    placement, _ = place(headers, product.sizes)
    if placement is not None:
        return placement
    first = dict(headers[0].sizes)
    if STACKED in product.sizes and STACKED not in first:
        return Placement(STACKED, tuple(range(len(headers) + 1)))
    unlike = [name for name, size in first.items() if product.sizes.get(name, size) != size]
    if not unlike:
        return Placement(None, (0, 0))
    return Placement(unlike[0], tuple(accumulate((header.size(unlike[0]) or 0 for header in headers), initial=0)))


def expected_dimensions(variable: SourceVariable, product: OpenProduct, placement: Placement) -> tuple[str, ...]:
    target = product.variables.get(variable.name)
    return variable.dimensions if target is None else placement.expected_dimensions(variable, target)


def asked_for(workdir: Workdir, project: Project, placement: Placement) -> Callable[[Row], bool]:
    """Which rows the project's config asks for: attributes set and removed, variables left out; and the dimension PADOCC makes up."""
    spec = spec_of(workdir, project)

    def meant(row: Row) -> bool:
        part, name, _, in_product = row
        if placement.stacked and name == STACKED:
            return True
        if part == "global attribute":
            return name in spec.updates or name in spec.removals
        return part in ("variable", "dimension") and in_product == ABSENT and bool(spec.variables or name in spec.dropped)

    return meant
