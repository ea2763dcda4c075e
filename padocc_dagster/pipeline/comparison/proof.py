"""The proof that references are right: each is held against the chunk index of the source file that belongs in its place.

A chunk is proved when the product points at the file, the byte and the length at which the file's own index has the chunk of that place,
and when the product's metadata makes of these bytes what the file's makes of them (`storage.py`). Then the values are equal without
being read. What cannot be proved so is noted in the plans, and read.
"""

from dataclasses import replace
from typing import Any

from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.chunk_index import Index, Locations, opened_index
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.references import ABSENT, INLINE, STRAY, WHOLE, Table
from padocc_dagster.pipeline.comparison.report import Findings, in_words
from padocc_dagster.pipeline.comparison.sources import Header, SourceVariable
from padocc_dagster.pipeline.comparison.storage import differences


def prove(case: Case, tables: dict[str, Table]) -> None:
    """Hold every reference against its file. In each plan, `proved` counts files, and `forced` gets those that must be read."""
    for number, header in enumerate(case.headers):
        if case.findings.enough:
            return
        if case.placement.is_empty(number):
            continue
        tasks = [(v, case.plans[v.name], tables[v.name]) for v in header.variables if v.name in case.plans and v.name in tables]
        path = case.sources[number]
        try:
            with opened_index(path) as index:
                for variable, plan, table in tasks:
                    if plan.reader.placed or number == plan.owner:
                        _prove_one(_Part(header, number, path, variable, plan, table, case.placement), index, case.findings)
        except (OSError, ValueError) as error:
            case.findings.problem("source files", f"the chunks of {path} cannot be found in it: {in_words(error)}")


class _Part:
    """What one file holds of one variable, and the part of the table where it must be."""

    def __init__(
        self, header: Header, number: int, path: str, variable: SourceVariable, plan: Plan, table: Table, placement: Placement
    ) -> None:
        self.number, self.path, self.variable, self.plan, self.table = number, path, variable, plan, table
        self.name = variable.name
        self.shape = header.shape(variable)
        self.chunks = table.chunks
        self.at: tuple[Any, ...] = tuple(slice(None) for _ in table.grid)
        self.misplaced = ""
        axis = placement.axis(plan.product)
        if axis is not None:
            self._place(placement, axis)

    def _place(self, placement: Placement, axis: int) -> None:
        begin, end = placement.offsets[self.number], placement.offsets[self.number + 1]
        chunk = self.chunks[axis]
        last = end == self.table.shape[axis]
        if begin % chunk or (end % chunk and not last):
            self.misplaced = f"has its place from {begin} to {end} along {placement.dimension}, which cuts chunks of {chunk}"
        part: Any = slice(begin // chunk, -(-end // chunk))
        if placement.stacked:
            part = begin
            self.chunks = (*self.chunks[:axis], *self.chunks[axis + 1 :])
        self.at = tuple(part if i == axis else each for i, each in enumerate(self.at))

    def cells(self) -> tuple[Any, Any, Any]:
        """File, offset and length of the chunks that lie where the file has its place."""
        return self.table.file[self.at], self.table.offset[self.at], self.table.length[self.at]


def _prove_one(part: _Part, index: Index, findings: Findings) -> None:
    file, offset, length = part.cells()
    if (file == INLINE).any() or part.plan.joined:
        part.plan.forced.add(part.number)
        _check_masks(part, index, file, findings)
    if (file == INLINE).all() and file.size:
        return
    own = part.variable.storage
    if own is None or not own.known or not part.table.storage.known:
        if ((file >= 0) & (file != part.number)).any():  # what cannot be proved must at least point into the file
            sentence = f"the place of {part.path} in {part.name} has references into other source files"
            findings.problem("references", sentence, part.name)
        part.plan.forced.add(part.number)
        return
    unlike = differences(own, replace(part.table.storage, chunks=part.chunks))
    if unlike and (file >= 0).any():
        findings.problem("storage", f"variable {part.name} is stored otherwise in {part.path}: {'; '.join(unlike)}", part.name)
        return
    if part.misplaced:
        if (file >= 0).any():
            findings.problem("references", f"variable {part.name} of {part.path} {part.misplaced}", part.name)
        part.plan.forced.add(part.number)
        return
    locations = index.locations(part.name, part.chunks, part.shape)
    if locations is None or locations.offsets.shape != file.shape:
        sentence = f"the chunks {part.chunks} of {part.name} in the product are no chunks of {part.path}"
        findings.problem("references", sentence, part.name)
        return
    _hold(part, locations, file, offset, length, findings)


def _hold(part: _Part, locations: Locations, file: Any, offset: Any, length: Any, findings: Findings) -> None:
    """Each cell that points somewhere must point where the file has the chunk; chunks that neither has are filled alike, or read."""
    import numpy as np

    held = (file == part.number) & (offset == locations.offsets) & (length == locations.lengths) & (locations.masks == 0)
    whole = (file == part.number) & (length == WHOLE)
    neither = (file == ABSENT) & (locations.offsets < 0)
    wrong = ~(held | neither | (file == INLINE))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.ndim else ()
        findings.problem("references", _sentence(part, locations, at, int(file[at]), int(offset[at]), int(length[at])), part.name)
        if (more := int(wrong.sum()) - 1) > 0:
            findings.problem("references", f"{more} more references of {part.name} into {part.path} are wrong", part.name)
        return
    if whole.any() or (neither.any() and not _same_fill(part)):
        part.plan.forced.add(part.number)
    if part.number not in part.plan.forced:
        part.plan.proved += 1


def _sentence(part: _Part, locations: Locations, at: tuple[int, ...], file: int, offset: int, length: int) -> str:
    """What is wrong with one reference."""
    chunk = f"chunk {'.'.join(map(str, at)) or '0'} of {part.name} in {part.path}"
    begin, size, mask = int(locations.offsets[at]), int(locations.lengths[at]), int(locations.masks[at])
    where = f"bytes {begin} to {begin + size} of the file" if begin >= 0 else "nowhere: it was never written"
    if mask and begin >= 0:
        return f"{chunk} was written without some of its filters (mask {mask:#x}), which references cannot express: make a Zarr store"
    if file == ABSENT:
        return f"{chunk} lies at {where}, and the product has no reference to it"
    if file == STRAY:
        return f"{chunk} lies at {where}, and the product points into a file that is no source"
    other = "" if file == part.number else f" of source file {file + 1} instead"
    return f"{chunk} lies at {where}, and the product points at bytes {offset} to {offset + length}{other}"


def _check_masks(part: _Part, index: Index, file: Any, findings: Findings) -> None:
    """Say so where the product holds values itself because no reference can express the file's chunk."""
    import numpy as np

    own = part.variable.storage
    locations = index.locations(part.name, part.chunks, part.shape) if own and own.filters and own.chunks == part.chunks else None
    if locations is None or locations.masks.shape != file.shape:
        return
    masked = np.argwhere((file == INLINE) & (locations.masks != 0))
    if len(masked):
        at = tuple(int(i) for i in masked[0]) if file.ndim else ()
        findings.problem("storage", _sentence(part, locations, at, INLINE, 0, 0), part.name)


def _same_fill(part: _Part) -> bool:
    """Whether a chunk that was never written reads as the same raw value in the file and in the product."""
    ours, theirs = part.variable.storage.fill if part.variable.storage else None, part.table.storage.fill
    return ours is not None and theirs is not None and (ours == theirs or (ours != ours and theirs != theirs))
