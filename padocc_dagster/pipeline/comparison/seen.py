"""The product as a person sees it: opened by xarray with default arguments, beside source files opened alike.

One file of each kind is looked at: with the same encoding, equal raw values (`files.py`, `proof.py`) are seen alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.plans import Plan
from padocc_dagster.pipeline.comparison.reading import blocks
from padocc_dagster.pipeline.comparison.report import Findings, in_words
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Header
from padocc_dagster.pipeline.comparison.values import SINGLE_PRECISION, texts_of

ENGINES = {"kerchunk": "kerchunk", "parquet": "kerchunk", "zarr": "zarr", "CFA": "CFA"}
CARRIED = 1 << 53
"""Whole numbers up to this one are exact as float64."""
TIME_ROUNDING_NS = 1000
"""Nanoseconds by which decoded times may differ where raw ones were compared within a tolerance."""


def compare_seen(
    request: Request,
    references: dict[str, Any] | None,
    headers: list[Header],
    placement: Placement,
    plans: dict[str, Plan],
    findings: Findings,
) -> None:
    """Compare types, missing values, decoded values, times and the set of coordinates, for one file of each kind.

    `references` are those of a kerchunk JSON file, already read.
    """
    covered = sorted({number for plan in plans.values() for number in plan.representatives()})
    _check_coordinates(request, headers, plans, findings)
    decoded = [_is_decodable(request.sources[number]) for number in covered]
    if not all(decoded):
        which = request.sources[covered[decoded.index(False)]]
        findings.inform(f"xarray cannot decode the times of {which}: open it, and the product, with decode_times=False")
    try:
        with _opened(request, references, all(decoded)) as product:
            for number in covered:
                _compare_file(request, headers[number], number, product, all(decoded), placement, plans, findings)
    except Exception as error:
        findings.problem("opening", f"xarray cannot open {request.product.path} with default arguments: {in_words(error)}")


def _compare_file(
    request: Request,
    header: Header,
    number: int,
    product: Any,
    decoded: bool,
    placement: Placement,
    plans: dict[str, Plan],
    findings: Findings,
) -> None:
    import xarray

    path = request.sources[number]
    with xarray.open_dataset(path, decode_times=None if decoded else False, cache=False) as source:
        if request.product.cloud_format != "CFA":  # cfapyx makes data variables of all auxiliary coordinates, unless it is asked not to
            _check_coordinate_sets(source, product, path, plans, findings)
        for variable in header.variables:
            plan = plans.get(variable.name)
            if plan and number in plan.representatives() and variable.name in source.variables and variable.name in product.variables:
                try:
                    _compare_variable(request, variable.name, number, path, source, product, placement, plan, findings)
                except Exception as error:
                    sentence = f"variable {variable.name} cannot be read by xarray with default arguments ({path}): {in_words(error)}"
                    findings.problem("values", sentence, variable.name)


def _compare_variable(
    request: Request,
    name: str,
    number: int,
    path: str,
    source: Any,
    product: Any,
    placement: Placement,
    plan: Plan,
    findings: Findings,
) -> None:
    ours, theirs = source.variables[name], _part_of(product.variables[name], number, placement)
    if ours.dims != theirs.dims or ours.shape != theirs.shape:
        sentence = f"variable {name} reads as {theirs.dims} {theirs.shape} from the product, as {ours.dims} {ours.shape} from {path}"
        findings.problem("values", sentence, name)
        return
    if not _check_type(request, name, path, ours, theirs, plan, findings):
        return
    if not plan.reader.placed and name in request.identical:
        return
    tolerant = plan.rewritten or any(plan.changed.values())
    for key in blocks(ours.shape, max(8, ours.dtype.itemsize)):
        a, b = ours[key].to_numpy(), theirs[key].to_numpy()
        unequal = ~_seen_equal(a, b, tolerant, _largest_step(plan))
        if unequal.any():
            at = tuple(int(i) for i in next(zip(*unequal.nonzero(), strict=True))) if unequal.ndim else ()
            values = f"{a[at]} in {path}, {b[at]} in the product"
            findings.problem("values", f"variable {name}, read with default arguments, differs at {at}: {values}", name)
            return


def _check_type(request: Request, name: str, path: str, ours: Any, theirs: Any, plan: Plan, findings: Findings) -> bool:
    """Report another type; a problem where the format could carry the files' own. Returns whether values are worth comparing."""
    a, b = ours.dtype, theirs.dtype
    if a == b or (a.kind == b.kind and a.kind in "Mm") or {a.kind, b.kind} <= set("OUST"):
        return True
    what = f"variable {name} reads as {b.name} from the product, as {a.name} from {path}"
    if a.kind == b.kind == "f":
        findings.inform(f"{what}: attributes of the product do not keep the width of scale and offset")
        return True
    if {a.kind, b.kind} <= set("OM"):
        return True
    if a.kind in "iu" and b.kind == "f" and request.product.cloud_format == "CFA":
        plan.exact_up_to = CARRIED if b.itemsize == 8 else 1 << 24
        findings.inform(f"{what}: a CFA aggregation masks whole numbers; all of them are checked to be within what {b.name} holds exactly")
        return True
    findings.problem("type", f"{what}: the product declares missing values, packing or units that the file does not", name)
    return False


def _seen_equal(a: Any, b: Any, tolerant: bool, step: float) -> Any:
    """Where two decoded arrays hold the same; missing values are equal."""
    import numpy as np

    kinds = {a.dtype.kind, b.dtype.kind}
    if kinds <= set("Mm"):
        missing = np.isnat(a) & np.isnat(b)
        apart = abs(np.where(missing, np.timedelta64(0, "ns"), a - b)).astype("timedelta64[ns]").astype("i8")
        return missing | (apart <= (TIME_ROUNDING_NS if tolerant else 0))
    if kinds <= set("OM") and "M" in kinds:
        return np.asarray(_as_texts(a) == _as_texts(b), dtype=bool)
    if kinds <= set("OUST"):
        if tolerant and a.size and hasattr(a.flat[0], "calendar"):
            close = [abs((x - y).total_seconds()) <= 1e-6 for x, y in zip(a.flat, b.flat, strict=True)]
            return np.array(close, dtype=bool).reshape(a.shape)
        equal = np.asarray(a == b, dtype=bool) if kinds == {"O"} else np.zeros(a.shape, dtype=bool)
        return equal | (texts_of(a) == texts_of(b))
    if a.dtype.names or b.dtype.names:
        return np.asarray(a == b, dtype=bool)
    equal = np.asarray(a == b) | ((a != a) & (b != b))
    if "f" in kinds and a.dtype != b.dtype and kinds == {"f"}:
        with np.errstate(invalid="ignore"):
            equal |= abs(a.astype("f8") - b.astype("f8")) <= SINGLE_PRECISION * np.maximum(abs(a.astype("f8")), step)
    return equal


def _largest_step(plan: Plan) -> float:
    """The largest number that unpacking goes through besides the values themselves."""
    return abs(plan.product.encoding.offset)


def _as_texts(values: Any) -> Any:
    import numpy as np

    if values.dtype.kind == "M":
        return np.datetime_as_string(values, unit="us").astype(object)
    return np.array([value.isoformat(timespec="microseconds") for value in values.ravel()], dtype=object).reshape(values.shape)


def _part_of(variable: Any, number: int, placement: Placement) -> Any:
    """Where the file lies in a variable of the product."""
    if placement.dimension not in variable.dims:
        return variable
    begin, end = placement.offsets[number], placement.offsets[number + 1]
    return variable.isel({placement.dimension: begin if placement.stacked else slice(begin, end)})


def _check_coordinates(request: Request, headers: list[Header], plans: dict[str, Plan], findings: Findings) -> None:
    """Every file must have the coordinates that the first has."""
    first = headers[0].coordinates & plans.keys()
    for path, header in zip(request.sources, headers, strict=True):
        if header.coordinates is not headers[0].coordinates and header.coordinates & plans.keys() != first:
            odd = sorted((header.coordinates & plans.keys()) ^ first)
            sentence = f"the coordinates of {path} are not those of the first file: {', '.join(odd)} is one in one of them only"
            findings.problem("coordinates", sentence, odd[0])


def _check_coordinate_sets(source: Any, product: Any, path: str, plans: dict[str, Plan], findings: Findings) -> None:
    ours, theirs = (set(dataset.coords) & plans.keys() for dataset in (source, product))
    for name in sorted(ours - theirs):
        sentence = f"{name} is a coordinate in {path}, and none in the product: an attribute `coordinates` is lost"
        findings.problem("coordinates", sentence, name)
    for name in sorted(theirs - ours):
        findings.problem("coordinates", f"{name} is a coordinate in the product, and none in {path}", name)


@contextmanager
def _opened(request: Request, references: dict[str, Any] | None, decoded: bool) -> Iterator[Any]:
    import dask
    import xarray

    product = request.product
    options: dict[str, Any] = {"engine": ENGINES[product.cloud_format], "cache": False}
    if not decoded:
        options["decode_times"] = False
    if product.cloud_format in ("kerchunk", "parquet"):
        # fsspec keeps file systems by their arguments, and would answer for a file as it was before; dask takes longer than the reading
        options |= {"storage_options": {"skip_instance_cache": True}, "open_dataset_options": {"chunks": None}}
    where: Any = str(product.path) if references is None else references  # kerchunk's engine takes references too
    with dask.config.set(scheduler="synchronous"), xarray.open_dataset(where, **options) as dataset:
        yield dataset


def _is_decodable(path: str) -> bool:
    """Whether xarray opens the file with default arguments. It is asked first: cfapyx crashes where a product cannot be decoded."""
    import xarray

    try:
        xarray.open_dataset(path).close()
    except (OverflowError, ValueError):
        return False
    return True
