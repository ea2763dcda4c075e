"""How often files are read: what a step costs with many projects, told without a clock."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def counted_reads() -> Iterator[Counter[str]]:
    """Counts whole reads of text files by `group/name`-like ends of their paths: the last three parts."""
    counts: Counter[str] = Counter()
    read = Path.read_text

    def counting(path: Path, *arguments: object, **named: object) -> str:
        counts["/".join(path.parts[-3:])] += 1
        return read(path, *arguments, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", counting)
        yield counts
