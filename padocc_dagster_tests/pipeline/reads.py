"""How often files are read: what a step costs with many projects, told without a clock."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def counted_reads() -> Iterator[Counter[str]]:
    """Counts whole reads of files by `group/name`-like ends of their paths: the last three parts."""
    counts: Counter[str] = Counter()

    def counting(read: Callable[..., object]) -> Callable[..., object]:
        def counted(path: Path, *arguments: object, **named: object) -> object:
            counts["/".join(path.parts[-3:])] += 1
            return read(path, *arguments, **named)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for name in ("read_text", "read_bytes"):
            patch.setattr(Path, name, counting(getattr(Path, name)))
        yield counts
