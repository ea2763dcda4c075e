"""Several processes that do the same thing at the same moment: fresh ones, because a fork of a process with threads may hang for ever."""

import multiprocessing
from collections.abc import Callable
from threading import Barrier
from typing import Any

SECONDS = 120.0


def together(count: int, deed: Callable[..., None], *arguments: Any) -> list[int | None]:
    """Call the function in so many processes at once, and return how each ended. It is a module's own, and is given what can be pickled."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(count)
    children = [context.Process(target=_behind, args=(gate, deed, arguments), daemon=True) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(SECONDS)
    ended = [child.exitcode for child in children]
    for child in children:
        child.kill()
    return ended


def _behind(gate: Barrier, deed: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    gate.wait(SECONDS)
    deed(*arguments)
