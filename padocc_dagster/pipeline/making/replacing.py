"""Functions of PADOCC and of libraries replaced for a while, where they have a fault. Each use names the line that needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, **functions: Any) -> Iterator[None]:
    """For the block, a module or a class has these functions; afterwards, and after an error, it has its own again."""
    own = {name: getattr(owner, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(owner, name, function)
        yield
    finally:
        for name, function in own.items():
            setattr(owner, name, function)
