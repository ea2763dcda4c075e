"""Where a catalogue is, and from the address of an asset to the file on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo

from padocc_dagster.pipeline.publishing.links import moved
from padocc_dagster.pipeline.workdir.names import nearest, path_problem
from padocc_dagster.selection.validation import Text

SCHEMES = ("http", "https")
PROFILES = {
    "ceda": {"https://dap.ceda.ac.uk/badc": "/badc", "https://dap.ceda.ac.uk/neodc": "/neodc"},
}
"""Rules by the name of a site."""


def _catalogue(text: str, info: ValidationInfo) -> str:
    """The address on a server, or the absolute path of the catalogue's file; a relative path starts at the folder in the context."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if not text or (parts.scheme in SCHEMES and not parts.netloc) or ("://" in text and not parts.scheme):
        raise ValueError("no address; write https://… or the path of a catalogue's file")
    if parts.scheme in SCHEMES:
        return text
    if parts.scheme and parts.scheme != "file":
        raise ValueError("an unknown scheme; write https://… or the path of a catalogue's file")
    path = Path(info.context or "/", unquote(parts.path) if parts.scheme else text).absolute()
    if os.path.isdir(path):
        path /= "catalog.json"
    if not os.path.isfile(path):
        raise ValueError(f"there is no catalogue {str(path)[:300]!r}; correct its path, or write an address with https://")
    return str(path)


def _of_site(rules: Any) -> Any:
    """The rules of the site of this name."""
    if isinstance(rules, str) and rules not in PROFILES:
        raise ValueError(f"no site with rules of paths; {nearest(rules, PROFILES)}")
    return PROFILES[rules] if isinstance(rules, str) else rules


def _folder(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("write an absolute path")
    if problem := path_problem(path):
        raise ValueError(problem)
    return path.rstrip("/")


def _rules(rules: dict[str, str]) -> dict[str, str]:
    good: dict[str, str] = {}
    for address, path in rules.items():
        if not address.rstrip("/") or address.rstrip("/") in good:
            raise ValueError(f"the rule for {address[:100]!r} is empty or given twice; write each beginning of an address once")
        good[address.rstrip("/")] = path
    return good


Catalogue = Annotated[Text, AfterValidator(_catalogue)]
Rules = Annotated[
    dict[str, Annotated[str, PlainValidator(_folder)]],
    Field(description="write beginnings of addresses and the folders for them, {https://host/archive: /archive}, or the name of a site"),
    BeforeValidator(_of_site),
    AfterValidator(_rules),
]
"""Beginning of address → beginning of path."""


def absolute(href: str, base: str) -> str:
    """The address that a relative one means, seen from the file at `base`; what is no address at all stays as it is."""
    try:
        if base.startswith("/") and not urlsplit(href).scheme:
            return href if href.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(base), href))
        return urljoin(base, href)
    except ValueError:
        return href


def local_path(address: str, rules: Mapping[str, str]) -> str | None:
    """The path that an address means, by the rule with the longest beginning of whole components; None where none fits.

    Paths mean themselves where no rule fits. What follows `?` or `#` in an address of a server counts for nothing.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme == "file":
        address = unquote(parts.path)
    elif parts.scheme:
        address = unquote(parts._replace(query="", fragment="").geturl())
    path = moved(address, rules)
    return path if path is not None else address if address.startswith("/") else None
