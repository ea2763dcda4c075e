"""Links: the references of a kerchunk product, moved from local paths to remote addresses. Nothing is read or written here.

A prefix is replaced as whole path components only, and only if the way back leads to the same references.
"""

import re
from collections.abc import Mapping
from typing import Any

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/ ].*")


def linked(references: dict[str, Any], links: dict[str, str]) -> dict[str, Any]:
    """The references with every path moved by the longest prefix in `links` that fits it, as in `{"/badc": "https://h/badc"}`.

    Slashes at the end of prefixes and addresses make no difference. Raises ValueError with a sentence for each thing wrong: a
    prefix that is no absolute path, an address that is none, a path that no prefix fits, links that cannot be traced back.
    """
    problems = _problems(links)
    forth = {here.rstrip("/"): there.rstrip("/") for here, there in links.items()}
    paths = {entry[0].removeprefix("file://") for entry in references["refs"].values() if isinstance(entry, list)}
    addresses = {path: moved(path, forth) for path in paths}
    lost = sorted(path for path, address in addresses.items() if address is None)
    if lost:
        more = f" and {len(lost) - 1} more source files" if len(lost) > 1 else ""
        problems.append(f"no link is given for {lost[0]}{more}: name the beginning of the path")
    if problems:
        raise ValueError("; ".join(problems))
    back = {there: here for here, there in forth.items()}
    astray = sorted(path for path, address in addresses.items() if address is None or moved(address, back) != path)
    if astray:
        path = astray[0]
        raise ValueError(
            f"the link {addresses[path]} cannot be traced back to {path} ({len(astray)} such paths): use prefixes and "
            "addresses that name distinct places"
        )
    refs = {
        key: [addresses[entry[0].removeprefix("file://")], *entry[1:]] if isinstance(entry, list) else entry
        for key, entry in references["refs"].items()
    }
    return {**references, "refs": refs}


def _problems(links: dict[str, str]) -> list[str]:
    problems = []
    seen: set[str] = set()
    for here, there in links.items():
        if not here.startswith("/"):
            problems.append(f"{here!r} is not an absolute path: begin links with the '/' of source paths, without file://")
        if not ADDRESS.fullmatch(there):
            problems.append(f"link of {here!r}: {there!r} is no address: write it as in https://host/archive")
        prefix = here.rstrip("/")
        if prefix in seen and here.startswith("/"):
            problems.append(f"{prefix or '/'} is given twice: give one address for it")
        seen.add(prefix)
    return problems


def moved(path: str, links: Mapping[str, str]) -> str | None:
    """The path moved by the longest prefix that it equals or continues with '/'; None when no prefix does."""
    end = len(path)
    while end >= 0:
        if path[:end] in links:
            return links[path[:end]] + path[end:]
        end = path.rfind("/", 0, end) if end else -1
    return None
