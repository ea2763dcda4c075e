"""Variables left out of a product, which PADOCC 1.5.1 knows only as those that are not kept (`padocc/phases/compute.py:969`): there a
dimension's own coordinate always stays."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from padocc_dagster.pipeline.workdir.spec import ProjectSpec


def left_out(spec: ProjectSpec, path: str) -> set[str]:
    """The variables of a source file that a project's spec leaves out: those dropped, and where some are kept, the other data."""
    import netCDF4

    kept, dropped = spec.variables, set(spec.dropped)
    if not kept:
        return dropped
    with netCDF4.Dataset(path) as dataset:
        needed = {dimension for name in kept if name in dataset.variables for dimension in dataset[name].dimensions}
        return dropped | (set(dataset.variables) - {*kept} - needed)


@contextmanager
def dropping(names: Iterable[str]) -> Iterator[None]:
    """For the block, references made by PADOCC leave these variables out."""
    from padocc.phases.compute import KerchunkDS

    names, determine = list(names), KerchunkDS._determine_drop_vars

    def with_asked(operation: Any, reference: dict[str, Any]) -> None:
        determine(operation, reference)
        operation.drop_vars = [*operation.drop_vars, *names]

    KerchunkDS._determine_drop_vars = with_asked
    try:
        yield
    finally:
        KerchunkDS._determine_drop_vars = determine
