"""Variables left out of a product, which PADOCC 1.5.1 knows only as those that are not kept (`padocc/phases/compute.py:969`): there a
dimension's own coordinate always stays."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


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
