"""The dimensions that a config names, put where PADOCC takes those that it found itself.

PADOCC's own way fails: `concat_dims` given to `run` ends in an AttributeError (`padocc/phases/compute.py:386`, a key of the wrong
file), and `identical_dims` does not reach VirtualiZarr, which goes by the variables to aggregate (`:1503`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.specs import spec_of


class NotInSourceError(ValueError):
    """The config names a dimension or a variable that the first source file does not have. `details` has the field that names it."""

    def __init__(self, message: str, field: str):
        super().__init__(message)
        self.details = {"field": field}


def apply_dimensions(workdir: Workdir, project: Project, files: Sequence[str]) -> None:
    """Write the dimensions that the config names into PADOCC's configs.

    Raises NotInSourceError for a dimension that the first file does not have, or a dropped variable that none has.
    """
    first_file = files[0]
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    spec = spec_of(workdir, project, base)
    concat, identical, dropped = list(spec.options.concat_dims), spec.options.identical_dims, spec.dropped
    if not concat and not identical and not dropped:
        return
    dimensions, aggregated, others, every = _header(first_file, concat, spec.options.xarray)
    for field, names, known in (
        ("concat_dims", concat, dimensions),
        ("identical_dims", identical, {**dimensions, **every}),
        ("dropped", dropped, every),
    ):
        for name in names:
            if name not in known and not (field == "dropped" and any(_has(file, name) for file in files)):
                problem = f"{field} has {name!r}, which is not in {first_file}: {nearest(name, known)}; edit {field}"
                raise NotInSourceError(problem, field=field)
    if not concat and not identical:
        return
    kwargs = detail.get("kwargs") or {}
    if concat:
        detail["virtual_concat"] = False
        found = {"concat_dims": concat, "aggregated_vars": aggregated, "identical_dims": others}
        base["data_properties"] |= {"aggregated_dims": concat, "coord_dims": concat, "aggregated_vars": aggregated}
        base["order_confirmed"] = True
    else:
        found = kwargs.get("combine_kwargs") or {}
    detail["kwargs"] = {**kwargs, "combine_kwargs": with_identical(found, identical, first_file)}
    write_json(workdir.detail_cfg(project), detail)
    write_json(workdir.base_cfg(project), base)


def _has(path: str, variable: str) -> bool:
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        return variable in dataset.variables


def with_identical(combine: Mapping[str, Any], identical: Sequence[str], path: str) -> dict[str, Any]:
    """PADOCC's `combine_kwargs` with more that is taken from the first file, `path`; none yet stays none, and is found first.

    A dimension that is identical joins no files: variables that only have such dimensions are taken from the first file as well.
    """
    if not combine.get("concat_dims"):
        return dict(combine)
    concat = [name for name in combine["concat_dims"] if name not in identical]
    dimensions = _dimensions(path)
    once = {*identical} | {name for name, found in dimensions.items() if found & {*identical} and not found & {*concat}}
    aggregated = combine.get("aggregated_vars") or ()
    together = dict.fromkeys([*(combine.get("identical_dims") or ()), *identical, *(name for name in aggregated if name in once)])
    return {
        **combine,
        "concat_dims": concat,
        "identical_dims": list(together),
        "aggregated_vars": [name for name in aggregated if name not in once],
    }


def _dimensions(path: str) -> dict[str, set[str]]:
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        return {name: set(variable.dimensions) for name, variable in dataset.variables.items()}


def _header(path: str, concat: list[str], options: Mapping[str, Any]) -> tuple[dict[str, int], list[str], list[str], dict[str, None]]:
    """The dimensions of a file, its data variables along those of concatenation, its variables that do not have them, and all.

    Coordinates along the dimension are neither: VirtualiZarr joins them anyway and refuses them among data variables.
    """
    import xarray

    with xarray.open_dataset(path, **{"decode_times": False, **options}) as dataset:
        joined = {name for name, variable in dataset.variables.items() if set(concat) & set(variable.dims)}
        names = [str(name) for name in dataset.variables]
        return (
            {str(name): int(size) for name, size in dataset.sizes.items()},
            [name for name in names if name in joined and name in dataset.data_vars],
            [name for name in names if name not in joined],
            dict.fromkeys(names),
        )
