"""Which aggregators made kerchunk references, which failed and why; and K kept from where it would make garbage.

V is VirtualiZarr, K kerchunk's MultiZarrToZarr. PADOCC 1.5.1 logs the reason why V failed and raises only that of K
(`padocc/phases/compute.py:1560-1630`), and K joins any files.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from padocc_dagster.pipeline.joining.encodings import refusal_of, refused_by_check, unsupported_in
from padocc_dagster.pipeline.joining.refusals import DifferingEncodingError
from padocc_dagster.pipeline.making.replacing import replaced

INLINED_BY_K = 500
"""Bytes under which K writes a chunk into the references (`kerchunk/combine.py:622`)."""


class Attempts(list[dict[str, Any]]):
    """The aggregators tried by a phase, in their order, as an outcome's details hold them.

    Each has its `aggregator`, an `error_class`, which is None when it made references, and the error's `message`.
    """

    def add(self, aggregator: str, error: Exception | None = None) -> None:
        message = " ".join(str(error).split()) if error else ""
        self.append({"aggregator": aggregator, "error_class": type(error).__name__ if error else None, "message": message})

    def __str__(self) -> str:
        """Those that failed, with the reasons; empty where none did."""
        return "; ".join("{aggregator}: {error_class}: {message}".format(**each) for each in self if each["error_class"])


@contextmanager
def guarded(files: Sequence[str], dropped: Iterable[str]) -> Iterator[Attempts]:
    """For the block, what aggregators do is recorded, and sources that do not go together are refused.

    Where V fails, or before K begins, SourcesRefused is raised for files whose encodings differ, or that kerchunk cannot read.
    """
    from padocc.phases import compute

    attempts, virtualise_any, combine_any = Attempts(), compute.virtualise, compute.mzz_combine

    def virtualise(*arguments: Any, **given: Any) -> None:
        unsupported = unsupported_in(files[0], dropped)
        if unsupported:
            raise unsupported
        try:
            virtualise_any(*arguments, **given)
        except Exception as error:
            attempts.add("V", error)
            _refuse(files[: given["nfiles"]], given["agg_dims"], dropped, error)
            raise
        attempts.add("V")

    def combine(refs: Sequence[dict[str, Any]], **given: Any) -> None:
        fileset = given.pop("fileset")
        _refuse(fileset, given["concat_dims"], dropped)
        try:
            combine_any(refs, **given, fileset=[file for file, ref in zip(fileset, refs, strict=True) if _referenced(ref)])
        except Exception as error:
            attempts.add("K", error)
            raise
        attempts.add("K")

    with replaced(compute, virtualise=virtualise, mzz_combine=combine):
        yield attempts


def _refuse(files: Sequence[str], concat: Sequence[str], dropped: Iterable[str], error: Exception | None = None) -> None:
    """Raise SourcesRefused where references of these files would be wrong; `error` is why V failed."""
    refusal = refusal_of(files, concat, dropped)
    if error and refused_by_check(error) and not refusal and not refusal_of(files, ()):
        refusal = DifferingEncodingError(f"VirtualiZarr refuses to join the files: {error}. Make a Zarr store, which holds the values")
    if refusal:
        raise refusal from error


def _referenced(ref: dict[str, Any]) -> bool:
    """Whether K's product must name the file of these references: PADOCC expects that of every file (`padocc/phases/aggregate.py:174`)."""
    entries = (entry for entry in ref["refs"].values() if isinstance(entry, list))
    return any(len(entry) == 3 and entry[2] >= INLINED_BY_K for entry in entries)
