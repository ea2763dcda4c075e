"""Strict checks of the names and paths that people write, made before PADOCC sees them.

PADOCC 1.5.1 puts project codes, group names and the working directory into shell strings (39 `os.system` calls) and into file
paths without looking at them. So only a small alphabet is let through. Each function returns one sentence, or None when the
name is good.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

KNOWN_SHOWN = 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
NAME_LENGTH = 100
WORKDIR = re.compile(r"/[A-Za-z0-9_./+=@\-]*")
FORBIDDEN_IN_PATHS = re.compile(r"[\x00-\x1f\x7f`$;|&<>\"'\\]")


def name_problem(kind: str, name: str) -> str | None:
    """Say what is wrong with a group name or project code (`kind` is the word to call it by)."""
    if not name:
        return f"{kind} is empty: give it a name of letters, digits, '_', '-' and '.'"
    if len(name) > NAME_LENGTH:
        return f"{kind} '{name[:20]}…' has {len(name)} characters: use at most {NAME_LENGTH}"
    if not NAME.fullmatch(name):
        return f"{kind} {name!r} is not safe: use letters, digits, '_', '-' and '.' only, beginning with a letter or digit"
    if name.isnumeric():
        return f"{kind} '{name}' is only digits, which PADOCC reads as an index: add a letter"
    if ".." in name or name.endswith("."):
        return f"{kind} '{name}' has '..' or ends in '.': write single dots between other characters"
    if "proj_code" in name:
        return f"{kind} '{name}' contains 'proj_code', by which PADOCC knows a header line: choose another name"
    return None


def path_problem(path: str) -> str | None:
    """Say what is wrong with the path or glob pattern of source files."""
    found = FORBIDDEN_IN_PATHS.search(path)
    if found:
        return f"path {path!r} contains {found.group()!r}: paths must not hold control or shell characters; rename or link the files"
    if not path.isascii():
        return f"path {path!r} has a character outside ASCII, which PADOCC's logs and references do not carry: rename or link the files"
    return None


def workdir_problem(path: str) -> str | None:
    """Say what is wrong with the working directory's own path (absolute)."""
    if WORKDIR.fullmatch(path) and "/../" not in path + "/":
        return None
    return f"working directory {path!r} must be an absolute path of letters, digits and '_./+=@-', because PADOCC passes it to a shell"


def some(names: Iterable[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that was probably meant, and the list of all of them, or of the first twenty."""
    known = list(known)
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1)
    return (f"did you mean '{folded[close[0]]}'? " if close else "") + f"known are {some(known, KNOWN_SHOWN) or 'none'}"
