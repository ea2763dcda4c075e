"""Steps interrupted at their n-th change of the file system, as a kill would: from then on, nothing more is changed.

Python tells every such change before it is made (`sys.addaudithook`). Markers of locks do not count: who is killed leaves them, and the
next finds out.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.link", "os.symlink", "os.truncate")


class Interrupted(BaseException):
    """The process would be dead now."""


class _Watch:
    """What the one hook of this process looks at: hooks cannot be taken off."""

    root = ""
    last = 0
    count = 0
    kills = False
    hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _Watch.root or not (event in CHANGES or event == "open" and arguments[2] & WRITING):
        return
    path = os.fspath(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else ""
    if not path.startswith(_Watch.root) or path.startswith(f"{_Watch.root}/locks"):
        return
    _Watch.count += 1
    if _Watch.count >= _Watch.last:
        if _Watch.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        raise Interrupted(f"{event} {path}")


def interrupted_at(count: int, root: Path, call: Callable[[], Any], kills: bool = False) -> bool:
    """Call, and interrupt before the count-th change under `root` (and before each later one). False when there are not so many.

    With `kills`, this process ends by SIGKILL instead.
    """
    if not _Watch.hooked:
        sys.addaudithook(_hook)
        _Watch.hooked = True
    _Watch.root, _Watch.last, _Watch.count, _Watch.kills = str(root), count, 0, kills
    try:
        call()
    except Interrupted:
        return True
    finally:
        _Watch.root = ""
    return _Watch.count >= count
