"""A slice of two sides as a picture of three panels: source, product, product minus source."""

import base64
import io
from typing import Any

from padocc_dagster.pipeline.depiction.slices import Slice

SOURCE, PRODUCT, DIFFERENCE = "source", "product", "product − source"
PIXELS = 200
POINTS = 1000
MOST_BYTES = 140_000
"""Of one picture's PNG; one that is larger is drawn again with fewer dots."""
MISSING_ON_ONE_SIDE = "#d400d4"


def drawn(title: str, found: Slice) -> str:
    """The picture as PNG in base64. Fields are reduced to 200 by 200, lines to 1000 points; a difference is never averaged away."""
    import numpy as np

    draw = _fields if np.ndim(found.source) == 2 else _lines
    for dots in (80, 55):
        content = _png(draw, title, found, dots)
        if len(content) <= MOST_BYTES:
            break
    return base64.b64encode(content).decode()


def reduced(values: Any, most: int, strongest: bool = False) -> Any:
    """An array with at most so many entries an axis: the mean of each block, or with `strongest` what lies farthest from zero."""
    import numpy as np

    for axis, size in enumerate(values.shape):
        if size > most:
            step = -(-size // most)
            pad = [(0, -size % step if i == axis else 0) for i in range(values.ndim)]
            padded = np.pad(values, pad, constant_values=np.nan)
            shape = [*padded.shape[:axis], padded.shape[axis] // step, step, *padded.shape[axis + 1 :]]
            values = _middle(padded.reshape(shape), axis + 1, strongest)
    return values


def _middle(values: Any, axis: int, strongest: bool) -> Any:
    import warnings

    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # blocks of missing values alone
        if not strongest:
            return np.nanmean(values, axis=axis)
        low, high = np.nanmin(values, axis=axis), np.nanmax(values, axis=axis)
        return np.where(np.abs(low) > np.abs(high), low, high)


def _png(draw: Any, title: str, found: Slice, dots: int) -> bytes:
    import numpy as np
    from matplotlib.figure import Figure

    source, product = (np.atleast_1d(np.asarray(side, dtype="f8")) for side in (found.source, found.product))
    figure = Figure(figsize=(10.5, 3.0), layout="constrained", dpi=dots)
    with np.errstate(all="ignore"):
        draw(figure, figure.subplots(1, 3), source, product, found)
    figure.suptitle(title, fontsize=10, parse_math=False)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def _fields(figure: Any, panels: Any, source: Any, product: Any, found: Slice) -> None:
    import numpy as np
    from matplotlib.colors import ListedColormap

    difference = product - source
    low, high = _range(source if np.isfinite(source).any() else product)
    for axes, values, name in ((panels[0], source, SOURCE), (panels[1], product, PRODUCT)):
        image = axes.imshow(reduced(values, PIXELS), vmin=low, vmax=high, **_drawn_over(source))
        figure.colorbar(image, ax=axes)
        _labelled(axes, name, found)
    largest = max(map(abs, _range(difference))) or 1.0
    shown = reduced(difference, PIXELS, strongest=True)
    image = panels[2].imshow(shown, vmin=-largest, vmax=largest, cmap="RdBu_r", **_drawn_over(source))
    figure.colorbar(image, ax=panels[2])
    lost = np.where(np.isnan(source) != np.isnan(product), 1.0, np.nan)
    if np.isfinite(lost).any():
        panels[2].imshow(reduced(lost, PIXELS), cmap=ListedColormap([MISSING_ON_ONE_SIDE]), **_drawn_over(source))
    _labelled(panels[2], DIFFERENCE, found)


def _lines(figure: Any, panels: Any, source: Any, product: Any, found: Slice) -> None:
    import numpy as np

    lost = np.where(np.isnan(source) != np.isnan(product), 0.0, np.nan)
    panels[1].sharey(panels[0]) if np.isfinite(product).any() and np.isfinite(source).any() else None
    for axes, values, name in (
        (panels[0], reduced(source, POINTS), SOURCE),
        (panels[1], reduced(product, POINTS), PRODUCT),
        (panels[2], reduced(product - source, POINTS, strongest=True), DIFFERENCE),
    ):
        axes.plot(np.arange(len(values)), np.where(np.isfinite(values), values, np.nan), marker="." if len(values) <= 60 else "")
        _labelled(axes, name, found)
    if np.isfinite(lost).any():
        thin = reduced(lost, POINTS)
        panels[2].plot(np.arange(len(thin)), thin, linestyle="", marker="x", color=MISSING_ON_ONE_SIDE)


def _drawn_over(field: Any) -> dict[str, Any]:
    """Axes count the field's own rows and columns, however much it was reduced."""
    rows, columns = field.shape
    return {"aspect": "auto", "origin": "lower", "interpolation": "nearest", "extent": (-0.5, columns - 0.5, -0.5, rows - 0.5)}


def _labelled(axes: Any, name: str, found: Slice) -> None:
    axes.set_title(name, fontsize=9, parse_math=False)
    if found.dimensions:
        axes.set_xlabel(found.dimensions[-1], fontsize=8, parse_math=False)
    if len(found.dimensions) == 2:
        axes.set_ylabel(found.dimensions[0], fontsize=8, parse_math=False)
    axes.tick_params(labelsize=7)


def _range(values: Any) -> tuple[float, float]:
    """The smallest and the largest number; 0 and 1 when there is none."""
    import numpy as np

    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
