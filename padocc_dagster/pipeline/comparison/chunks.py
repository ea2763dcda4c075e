"""Which chunks a variable of a Zarr store must have, which of them are there, and which source files they hold."""

from dataclasses import dataclass
from math import ceil, prod
from typing import Any

from padocc_dagster.pipeline.comparison.placement import Placement


@dataclass
class Census:
    """The chunks of one variable of a Zarr store."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    axis: int | None
    """The axis along which files follow one another."""
    placement: Placement
    all_files: bool = False
    """Chunks cannot be told apart from outside, so every file must be compared."""
    _seen: Any = None

    def __post_init__(self) -> None:
        import numpy as np

        if len(self.shape) != len(self.chunks) or any(c < 1 for c in self.chunks):
            raise ValueError(f"chunks {self.chunks} do not fit the shape {self.shape}")
        self._seen = np.zeros(self.expected, dtype=bool)

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(ceil(size / chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def expected(self) -> int:
        return prod(self.counts)

    @property
    def present(self) -> int:
        return int(self._seen.sum())

    def note(self, coordinates: tuple[int, ...]) -> None:
        """Count a chunk as present."""
        number = 0
        for coordinate, count in zip(coordinates, self.counts, strict=True):
            number = number * count + coordinate
        self._seen[number] = True

    def forced(self, files: int) -> set[int]:
        """Files that must be read, sample or not: some of their chunks are absent."""
        import numpy as np

        if self.all_files:
            return set(range(files))
        missing = np.flatnonzero(~self._seen)
        if self.axis is None:
            return {0} if len(missing) else set()
        positions = set(np.unravel_index(missing, self.counts)[self.axis].tolist()) if len(missing) else set()
        return {file for position in positions for file in self._files(position)}

    def _files(self, position: int) -> range:
        assert self.axis is not None  # `forced` knows the others
        size, start = self.chunks[self.axis], position * self.chunks[self.axis]
        return self.placement.owners(start, min(start + size, self.shape[self.axis]))
