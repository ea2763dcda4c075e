"""The worker's operation: a product beside its sources.

Nothing here raises for what files and data hold: what cannot be shown is a row that says so.
"""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.products import OpenProduct
from padocc_dagster.pipeline.comparison.reading import ProductReader
from padocc_dagster.pipeline.comparison.report import in_words
from padocc_dagster.pipeline.comparison.sources import Header, opened, read_block
from padocc_dagster.pipeline.depiction.beside import asked_for, both_opened, expected_dimensions, placement_of
from padocc_dagster.pipeline.depiction.picture import drawn
from padocc_dagster.pipeline.depiction.request import COLUMNS
from padocc_dagster.pipeline.depiction.slices import Slice, differing_slice
from padocc_dagster.pipeline.depiction.structure import Row, cut, differing, of_product, of_sources
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

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
        with both_opened(workdir, key) as (sources, headers, product):
            placement = placement_of(headers, product)
            joined = {placement.dimension: placement.offsets[-1]} if placement.dimension else {}
            meant = asked_for(workdir, key, placement)
            expected = {v.name: expected_dimensions(v, product, placement) for v in headers[0].variables}
            ours, theirs = of_sources(sources[0], headers[0], joined, expected), of_product(product)
            rows += [row for row in differing(ours, theirs) if not meant(row)]
            likely = _told(workdir, key)
            for name, path, found in _slices(sources, headers, product, placement, names, likely):
                rows += [("values", name, path, found.told)] if found.told else []
                _add_picture(pictures, name, path, found)
    except Exception as error:
        rows.append(("product", project, "", f"cannot be held against its sources: {in_words(error)}"))
    return {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in cut(rows)], "pictures": pictures}


def _told(workdir: Workdir, project: Project) -> str:
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
    caption = f"{name} in {Path(path).name}{place}" + ("" if found.told else ": no difference")
    try:
        image = drawn(caption, found)
    except Exception as error:
        caption, image = f"{caption}: no picture ({in_words(error)})", ""
    if sum(len(picture["png"]) for picture in pictures) + len(image) <= MOST_BYTES:
        pictures.append({"name": name, "caption": caption, "png": image})
