"""Where a catalogue is: the address of an API or of a file on a server, or the path of a file."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Fields, Node, text_of

SCHEMES = ("http", "https")


def read_address(fields: Fields, node: Node, folder: Path, findings: Findings) -> str | None:
    """The address on a server, or the absolute path of the catalogue's file; a relative path starts at `folder`."""
    if "catalogue" not in fields:
        findings.add(node.line, "has no catalogue: give the address of a STAC API, or the path of a catalogue's file")
        return None
    node, text = fields["catalogue"], text_of(fields["catalogue"], "catalogue", findings)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if not text or (parts.scheme in SCHEMES and not parts.netloc) or ("://" in text and not parts.scheme):
        findings.add(node.line, f"catalogue is {text[:100]!r}, which is no address: write https://… or the path of a catalogue's file")
        return None
    if parts.scheme in SCHEMES:
        if parts.username or parts.password:
            findings.add(node.line, "catalogue has a name or a password in its address, which would be kept and shown: take them out")
            return None
        return text
    if parts.scheme and parts.scheme != "file":
        findings.add(node.line, f"catalogue {text[:100]!r} has an unknown scheme: write https://… or the path of a catalogue's file")
        return None
    path = (folder / (unquote(parts.path) if parts.scheme else text)).absolute()
    if os.path.isdir(path):
        path /= "catalog.json"
    if os.path.isfile(path):
        return str(path)
    findings.add(node.line, f"there is no catalogue {str(path)[:300]!r}: correct its path, or write an address with https://")
    return None
