"""Extents and small pictures of published products, read from their first source file, which they were found equal to.

    groups/<group>/padocc_dagster/portraits.jsonl    {"name", "boxes", "png", "caption"}, a line each; the last of a name counts

A published product never changes, so each is looked at once. The file can be deleted; it is made anew when the group is refreshed. A
worker does the reading, for so many seconds; what it begins is written down first, so that a file that kills it is left alone.
"""

import base64
import io
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.board.extents import Box, boxes_in, coordinate
from padocc_dagster.pipeline.depiction.picture import reduced
from padocc_dagster.pipeline.running.call import WorkerError, call
from padocc_dagster.pipeline.workdir.files import append_text, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import Published, published_in
from padocc_dagster.pipeline.workdir.specs import spec_of

PIXELS = 96
"""Of a picture, along each side at most."""
MOST_BYTES = 16_000
"""Of a picture's PNG: a larger one is not kept."""
MOST_VALUES = 16_000_000
"""Of the field that a picture is made of."""
SECONDS = 15.0


@dataclass(frozen=True)
class Portrait:
    """One published product."""

    name: str
    """As in `Published.name`."""
    boxes: tuple[Box, ...] = ()
    png: str = ""
    """In base64; empty where there is no picture."""
    caption: str = ""


def portraits(workdir: Workdir, group: str) -> dict[str, Portrait]:
    """Name → portrait of the group's products, as far as they were made. Lines that are none are skipped."""
    found = {}
    for line in read_lines(workdir.portraits(group)):
        with suppress(KeyError, TypeError, ValueError):
            value = json.loads(line)
            boxes = tuple((float(west), float(south), float(east), float(north)) for west, south, east, north in value["boxes"])
            base64.b64decode(value["png"], validate=True)
            found[value["name"]] = Portrait(str(value["name"]), boxes, value["png"], str(value["caption"]))
    return found


def add_portraits(workdir: Workdir, group: str, products: Iterable[Published]) -> None:
    """Have the portraits made that are missing, as many as there is time for. A worker that fails leaves those that it has made."""
    known = portraits(workdir, group)
    if any(each.name not in known for each in products):
        with suppress(WorkerError):
            call("portray", root=str(workdir.root), group=group, seconds=SECONDS)


def portray(root: str, group: str, seconds: float) -> int:
    """The worker's operation: make the group's missing portraits for so many seconds. Returns how many. One process at a time."""
    workdir, end, made = Workdir(Path(root)), monotonic() + seconds, 0
    known = portraits(workdir, group)
    for product in published_in(workdir, group):
        if product.name in known:
            continue
        if monotonic() > end:
            break
        _keep(workdir, group, Portrait(product.name))
        with suppress(Exception):  # a file may hold anything: then there is no portrait
            _keep(workdir, group, portrait_of(workdir, product))
        made += 1
    return made


def portrait_of(workdir: Workdir, product: Published) -> Portrait:
    """Read the extent and a field of the product from its first source file. Raises what its libraries raise."""
    import netCDF4

    project = Project(product.group, product.code)
    first, spec = read_lines(workdir.allfiles(project))[0], spec_of(workdir, project)
    with netCDF4.Dataset(first) as dataset:
        boxes = boxes_in(dataset)
        candidates = [each for each in _fields(dataset) if each.name not in spec.dropped and each.name in (spec.variables or [each.name])]
        if not candidates:
            return Portrait(product.name, boxes)
        variable = max(candidates, key=lambda each: (each.ndim > 2, each.size))
        return Portrait(product.name, boxes, _png(dataset, variable), variable.name)


def _fields(dataset: Any) -> list[Any]:
    """The variables that a picture can be made of: numbers over two dimensions at least, and neither coordinates nor their bounds."""
    variables = dataset.variables.values()
    about = {name for each in variables for kind in ("coordinates", "bounds") for name in str(getattr(each, kind, "")).split()}
    found = []
    for each in variables:
        shape = each.shape[-2:]
        if each.ndim >= 2 and min(shape) > 1 and shape[0] * shape[1] <= MOST_VALUES and each.name not in about:
            found += [each] if getattr(each.dtype, "kind", "") in "iuf" and each.name not in dataset.dimensions else []
    return found


def _png(dataset: Any, variable: Any) -> str:
    """The middle field of the variable, north up, as a small PNG in base64; empty where all of it is missing, or it is too large."""
    import numpy as np
    from matplotlib.image import imsave

    middle = tuple(size // 2 for size in variable.shape[:-2])
    values: Any = np.ma.filled(np.ma.asarray(variable[(*middle, slice(None), slice(None))], dtype="f4"), np.nan)
    if not np.isfinite(values).any():
        return ""
    latitude = coordinate(dataset, "latitude")
    upside_down = latitude is not None and latitude.ndim == 1 and latitude.size > 1 and latitude[0] > latitude[-1]
    low, high = np.nanpercentile(values, (2, 98))
    shown, image = reduced(values, PIXELS), io.BytesIO()
    imsave(image, shown[::-1] if upside_down else shown, vmin=low, vmax=high if high > low else low + 1, origin="lower", format="png")
    content = image.getvalue()
    return base64.b64encode(content).decode() if len(content) <= MOST_BYTES else ""


def _keep(workdir: Workdir, group: str, portrait: Portrait) -> None:
    append_text(workdir.portraits(group), json.dumps(asdict(portrait)) + "\n")
