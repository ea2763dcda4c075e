"""Which chunks a variable must have, which of them are there, and which source files they hold."""

from dataclasses import dataclass, field
from math import ceil, prod
from typing import Any

from padocc_dagster.pipeline.comparison.placement import Placement


@dataclass
class Census:
    """The chunks of one variable of the product."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    axis: int | None
    """The axis along which files follow one another."""
    placement: Placement
    all_files: bool = False
    """Chunks cannot be told apart from outside, so every file must be compared."""
    inline: set[int] = field(default_factory=set)
    """Positions along `axis` of chunks held in the product itself."""
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

    def parse(self, key: str) -> tuple[int, ...] | None:
        """The coordinates in a chunk key `1.0.2`; None when the variable has no such chunk."""
        if not self.shape:
            return () if key == "0" else None
        try:
            coordinates = tuple(int(part) for part in key.split("."))
        except ValueError:
            return None
        inside = len(coordinates) == len(self.counts) and all(0 <= c < n for c, n in zip(coordinates, self.counts, strict=True))
        return coordinates if inside and ".".join(map(str, coordinates)) == key else None

    def note(self, coordinates: tuple[int, ...], inline: bool = False) -> None:
        """Count a chunk as present."""
        number = 0
        for coordinate, count in zip(coordinates, self.counts, strict=True):
            number = number * count + coordinate
        self._seen[number] = True
        if inline:
            self.inline.add(coordinates[self.axis] if self.axis is not None else 0)

    def owners(self, coordinates: tuple[int, ...]) -> range:
        """The files whose values the chunk holds; none for a variable that every file holds whole."""
        return self._files(coordinates[self.axis]) if self.axis is not None else range(0)

    def forced(self, files: int) -> set[int]:
        """Files that must be compared, sample or not: their chunks are absent, or lie in the product instead of in the file."""
        import numpy as np

        if self.all_files:
            return set(range(files))
        missing = np.flatnonzero(~self._seen)
        if self.axis is None:
            return {0} if len(missing) or self.inline else set()
        positions = set(np.unravel_index(missing, self.counts)[self.axis].tolist()) if len(missing) else set()
        return {file for position in positions | self.inline for file in self._files(position)}

    def _files(self, position: int) -> range:
        size, start = self.chunks[self.axis], position * self.chunks[self.axis]
        return self.placement.owners(start, min(start + size, self.shape[self.axis]))
