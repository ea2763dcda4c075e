"""The product as a person sees it: opened by xarray with default arguments, beside source files opened alike.

One file of each kind is looked at: with the same encoding, equal raw values (`files.py`, `proof.py`) are seen alike.
"""

from contextlib import ExitStack
from typing import Any

from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.reading import blocks
from padocc_dagster.pipeline.comparison.report import in_words
from padocc_dagster.pipeline.comparison.values import SINGLE_PRECISION, texts_of

ENGINES = {"kerchunk": "kerchunk", "parquet": "kerchunk", "zarr": "zarr", "CFA": "CFA"}
CARRIED = 1 << 53
"""Whole numbers up to this one are exact as float64."""
TIME_ROUNDING_NS = 1000
"""Nanoseconds by which decoded times may differ where raw ones were compared within a tolerance."""


def compare_seen(case: Case) -> None:
    """Compare types, missing values, decoded values, times and the set of coordinates, for one file of each kind."""
    covered = sorted({number for plan in case.plans.values() for number in plan.representatives()})
    _check_coordinates(case)
    undecodable = [case.sources[number] for number in covered if not _is_decodable(case.sources[number])]
    if undecodable:
        case.findings.inform(f"xarray cannot decode the times of {undecodable[0]}: open it, and the product, with decode_times=False")
    try:
        with ExitStack() as stack:
            product = _opened(case, stack, not undecodable)
            for number in covered:
                _compare_file(case, number, product, not undecodable)
    except Exception as error:
        case.findings.problem("opening", f"xarray cannot open {case.request.product.path} with default arguments: {in_words(error)}")


def _compare_file(case: Case, number: int, product: Any, decoded: bool) -> None:
    import xarray

    path = case.sources[number]
    with xarray.open_dataset(path, decode_times=None if decoded else False, cache=False) as source:
        if case.cloud_format != "CFA":  # cfapyx makes data variables of all auxiliary coordinates, with any arguments
            _check_coordinate_sets(case, source, product, path)
        for variable in case.headers[number].variables:
            name, plan = variable.name, case.plans.get(variable.name)
            if plan and number in plan.representatives() and name in source.variables and name in product.variables:
                try:
                    _compare_variable(case, name, path, source.variables[name], _part_of(product.variables[name], number, case.placement))
                except Exception as error:
                    sentence = f"variable {name} cannot be read by xarray with default arguments ({path}): {in_words(error)}"
                    case.findings.problem("values", sentence, name)


def _compare_variable(case: Case, name: str, path: str, ours: Any, theirs: Any) -> None:
    plan = case.plans[name]
    if ours.dims != theirs.dims or ours.shape != theirs.shape:
        sentence = f"variable {name} reads as {theirs.dims} {theirs.shape} from the product, as {ours.dims} {ours.shape} from {path}"
        case.findings.problem("values", sentence, name)
        return
    if not _check_type(case, name, path, ours.dtype, theirs.dtype) or (not plan.reader.placed and name in case.request.identical):
        return
    tolerant = plan.rewritten or any(plan.changed.values())
    for key in blocks(ours.shape, max(8, ours.dtype.itemsize)):
        a, b = ours[key].to_numpy(), theirs[key].to_numpy()
        unequal = ~_seen_equal(a, b, tolerant, _largest_step(plan))
        if unequal.any():
            at = tuple(int(i) for i in next(zip(*unequal.nonzero(), strict=True))) if unequal.ndim else ()
            values = f"{a[at]} in {path}, {b[at]} in the product"
            case.findings.problem("values", f"variable {name}, read with default arguments, differs at {at}: {values}", name)
            return


def _check_type(case: Case, name: str, path: str, a: Any, b: Any) -> bool:
    """Report another type; a problem where the format could carry the files' own. Returns whether values are worth comparing."""
    if a == b or (a.kind == b.kind and a.kind in "Mm") or {a.kind, b.kind} <= set("OUST"):
        return True
    what = f"variable {name} reads as {b.name} from the product, as {a.name} from {path}"
    if a.kind == b.kind == "f":
        case.findings.inform(f"{what}: attributes of the product do not keep the width of scale and offset")
        return True
    if {a.kind, b.kind} <= set("OM"):
        return True
    if a.kind in "iu" and b.kind == "f" and case.cloud_format == "CFA":
        case.plans[name].exact_up_to = CARRIED if b.itemsize == 8 else 1 << 24
        checked = f"all of them are checked to be within what {b.name} holds exactly"
        case.findings.inform(f"{what}: a CFA aggregation masks whole numbers; {checked}")
        return True
    case.findings.problem("type", f"{what}: the product declares missing values, packing or units that the file does not", name)
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


def _check_coordinates(case: Case) -> None:
    """Every file must have the coordinates that the first has."""
    first = case.headers[0].coordinates
    for path, header in zip(case.sources, case.headers, strict=True):
        if header.coordinates is not first and (odd := sorted((header.coordinates ^ first) & case.plans.keys())):
            sentence = f"the coordinates of {path} are not those of the first file: {', '.join(odd)} is one in one of them only"
            case.findings.problem("coordinates", sentence, odd[0])


def _check_coordinate_sets(case: Case, source: Any, product: Any, path: str) -> None:
    ours, theirs = (set(dataset.coords) & case.plans.keys() for dataset in (source, product))
    for name in sorted(ours - theirs):
        sentence = f"{name} is a coordinate in {path}, and none in the product: an attribute `coordinates` is lost"
        case.findings.problem("coordinates", sentence, name)
    for name in sorted(theirs - ours):
        case.findings.problem("coordinates", f"{name} is a coordinate in the product, and none in {path}", name)


def _opened(case: Case, stack: ExitStack, decoded: bool) -> Any:
    """The product as xarray opens it, until the stack is closed."""
    import dask
    import xarray

    options: dict[str, Any] = {"engine": ENGINES[case.cloud_format], "cache": False}
    if not decoded:
        options["decode_times"] = False
    if case.cloud_format in ("kerchunk", "parquet"):
        # fsspec keeps file systems by their arguments, and would answer for a file as it was before; dask takes longer than the reading
        options |= {"storage_options": {"skip_instance_cache": True}, "open_dataset_options": {"chunks": None}}
    where: Any = str(case.request.product.path) if case.references is None else case.references  # kerchunk's engine takes references too
    stack.enter_context(dask.config.set(scheduler="synchronous"))
    return stack.enter_context(xarray.open_dataset(where, **options))


def _is_decodable(path: str) -> bool:
    """Whether xarray opens the file with default arguments. It is tried first: cfapyx crashes where a product cannot be decoded."""
    import xarray

    try:
        xarray.open_dataset(path).close()
    except (OverflowError, ValueError):
        return False
    return True
