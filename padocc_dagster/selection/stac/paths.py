"""From the address of an asset to the file on this machine."""

import os
from collections.abc import Mapping
from urllib.parse import unquote, urljoin, urlsplit

from padocc_dagster.pipeline.links import moved
from padocc_dagster.pipeline.names import nearest, path_problem
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Fields, kind

PROFILES = {
    "ceda": {"https://dap.ceda.ac.uk/badc": "/badc", "https://dap.ceda.ac.uk/neodc": "/neodc"},
}
"""Rules by the name of a site."""


def read_paths(fields: Fields, findings: Findings) -> dict[str, str]:
    """The rules of a `stac:` section, beginning of address → beginning of path, or a site's."""
    node = fields.get("paths")
    if node is None:
        return {}
    if isinstance(node.value, str):
        if node.value not in PROFILES:
            findings.add(node.line, f"there are no rules of paths called {node.value[:60]!r}: {nearest(node.value, PROFILES)}")
        return PROFILES.get(node.value, {})
    if not isinstance(node.value, dict):
        written = "write beginnings of addresses and what stands for them, {https://host/archive: /archive}, or the name of a site"
        findings.add(node.line, f"paths is {kind(node.value)}: {written}")
        return {}
    rules = {}
    for address, path in node.value.items():
        if not isinstance(path.value, str) or not path.value.startswith("/"):
            written = repr(path.value[:60]) if isinstance(path.value, str) else kind(path.value)
            findings.add(path.line, f"the path for {address[:100]!r} is {written}: write an absolute path")
        elif not address.rstrip("/") or address.rstrip("/") in rules:
            what = f"the rule of paths for {address[:100]!r} is empty or given twice"
            findings.add(path.line, f"{what}: write each beginning of an address once")
        elif problem := path_problem(path.value):
            findings.add(path.line, problem)
        else:
            rules[address.rstrip("/")] = path.value.rstrip("/")
    return rules


def absolute(href: str, base: str) -> str:
    """The address that a relative one stands for, seen from the file at `base`; what is no address at all stays as it is."""
    try:
        if base.startswith("/") and not urlsplit(href).scheme:
            return href if href.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(base), href))
        return urljoin(base, href)
    except ValueError:
        return href


def local_path(address: str, rules: Mapping[str, str]) -> str | None:
    """The path that an address stands for, by the rule with the longest beginning of whole components; None where none fits.

    Paths stand for themselves where no rule fits. What follows `?` or `#` in an address of a server counts for nothing.
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
