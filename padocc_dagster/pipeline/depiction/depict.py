"""The worker's operation: a product beside its sources.

Nothing here raises for what files and data hold: what cannot be shown is a row that says so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.placement import STACKED, Placement, place
from padocc_dagster.pipeline.comparison.products import OpenProduct, opened_product
from padocc_dagster.pipeline.comparison.reading import ProductReader
from padocc_dagster.pipeline.comparison.report import in_words
from padocc_dagster.pipeline.comparison.sources import Common, Header, SourceVariable, opened, read_block, read_header
from padocc_dagster.pipeline.depiction.picture import drawn
from padocc_dagster.pipeline.depiction.request import COLUMNS
from padocc_dagster.pipeline.depiction.slices import Slice, differing_slice
from padocc_dagster.pipeline.depiction.structure import ABSENT, Row, cut, differing, of_product, of_sources
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.specs import spec_of

PICTURES = 3
MOST_BYTES = 500_000
"""Of all pictures together, in base64."""
SECONDS = 60.0
"""How long values are looked at."""
NUMBERS = "iuf"


def depict(root: str, project: str, names: list[str]) -> dict[str, Any]:
    """How the project's product differs from its source files, as rows, with pictures of at most three variables whose values differ.

    Variables in `names` are looked at first, and shown even where nothing differs. So many bytes are read as a minute allows.
    """
    workdir, key = Workdir(Path(root)), Project.parse(project)
    rows: list[Row] = []
    pictures: list[dict[str, str]] = []
    try:
        with _both_opened(workdir, key) as (sources, headers, product):
            placement = _placement(headers, product)
            joined = {placement.dimension: placement.offsets[-1]} if placement.dimension else {}
            meant = _is_meant(workdir, key, placement)
            expected = {v.name: _expected_dimensions(v, product, placement) for v in headers[0].variables}
            ours, theirs = of_sources(sources[0], headers[0], joined, expected), of_product(product)
            rows += [row for row in differing(ours, theirs) if not meant(row)]
            likely = _last_problems(workdir, key)
            for name, path, found in _slices(sources, headers, product, placement, names, likely):
                rows += [("values", name, path, found.difference)] if found.difference else []
                _add_picture(pictures, name, path, found)
    except Exception as error:
        rows.append(("product", project, "", f"cannot be held against its sources: {in_words(error)}"))
    return {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in cut(rows)], "pictures": pictures}


def _last_problems(workdir: Workdir, project: Project) -> str:
    """What the last comparison found, as one text: what it names is looked at first."""
    try:
        return "\n".join(map(str, read_json(workdir.comparison(project)).get("problems") or ()))
    except CorruptFileError:
        return ""


def _slices(
    sources: list[str], headers: list[Header], product: OpenProduct, placement: Placement, names: list[str], likely: str
) -> Iterator[tuple[str, str, Slice]]:
    """For each variable with values that differ, the first file in which they do, and the slice."""
    end = monotonic() + SECONDS
    variables = {v.name: v for v in headers[0].variables if v.name in product.variables and v.encoding.dtype[0] in NUMBERS}
    order = sorted(variables, key=lambda name: (name not in names, f"variable {name} " not in likely))
    files = sorted(range(len(sources)), key=lambda number: (sources[number] not in likely, number))
    for name in order:
        target = product.variables[name]
        if target.encoding.dtype[0] not in NUMBERS or target.dimensions != placement.expected_dimensions(variables[name], target):
            continue
        reader = ProductReader(target, placement)
        for nth, number in enumerate(files):
            if monotonic() > end:
                return
            own, last = headers[number].variable(name), nth == len(files) - 1
            if own is None or own.encoding.dtype[0] not in NUMBERS or own.dimensions != variables[name].dimensions:
                continue
            found = _slice_of(sources[number], headers[number], name, reader, target.encoding, number, last and name in names, end)
            if found:
                yield name, sources[number], found
                break


def _slice_of(
    path: str, header: Header, name: str, reader: ProductReader, encoding: Encoding, number: int, anyway: bool, end: float
) -> Slice | None:
    own = header.variable(name)
    assert own is not None  # `_slices` has seen it
    try:
        with opened(path) as dataset:
            return differing_slice(
                lambda key: read_block(dataset, name, key),
                lambda key: reader.block(number, key),
                header.shape(own),
                own.dimensions,
                (own.encoding, encoding),
                own.itemsize,
                anyway,
                end,
            )
    except Exception as error:
        return Slice(0.0, 0.0, (), "", f"cannot be read: {in_words(error)}", is_readable=False)


def _add_picture(pictures: list[dict[str, str]], name: str, path: str, found: Slice) -> None:
    if len(pictures) == PICTURES or not found.is_readable:
        return
    place = f", {found.where}" if found.where else ""
    caption = f"{name} in {Path(path).name}{place}" + ("" if found.difference else ": no difference")
    try:
        image = drawn(caption, found)
    except Exception as error:
        caption, image = f"{caption}: no picture ({in_words(error)})", ""
    if sum(len(picture["png"]) for picture in pictures) + len(image) <= MOST_BYTES:
        pictures.append({"name": name, "caption": caption, "png": image})


@contextmanager
def _both_opened(workdir: Workdir, project: Project) -> Iterator[tuple[list[str], list[Header], OpenProduct]]:
    """The source files that can be read, their headers, and the product."""
    common = Common()
    sources = read_lines(workdir.allfiles(project))
    headers = [read_header(path, common) for path in sources]
    if not sources:
        raise ValueError("the project has no source files")
    with opened_product(product_of(workdir, project)) as product:
        yield sources, headers, product


def _placement(headers: list[Header], product: OpenProduct) -> Placement:
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


def _expected_dimensions(variable: SourceVariable, product: OpenProduct, placement: Placement) -> tuple[str, ...]:
    target = product.variables.get(variable.name)
    return variable.dimensions if target is None else placement.expected_dimensions(variable, target)


def _is_meant(workdir: Workdir, project: Project, placement: Placement) -> Callable[[Row], bool]:
    """Which rows follow from the project's config: attributes set and removed, variables left out; and the dimension PADOCC makes up."""
    spec = spec_of(workdir, project)

    def meant(row: Row) -> bool:
        part, name, _, in_product = row
        if placement.stacked and name == STACKED:
            return True
        if part == "global attribute":
            return name in spec.updates or name in spec.removals
        return part in ("variable", "dimension") and in_product == ABSENT and bool(spec.variables or name in spec.dropped)

    return meant
