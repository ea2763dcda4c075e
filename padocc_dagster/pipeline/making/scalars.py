"""The one chunk of a variable without dimensions, whose key ends in 0 (`height/0`).

VirtualiZarr 2.8 writes it without (`height/`; `virtualizarr/manifests/manifest.py`, `join`), where no reader looks: the value reads as
missing.
"""

from typing import Any

SCALAR_CHUNK = "0"


def name_scalar_chunks(references: dict[str, Any]) -> None:
    """Give every kerchunk reference that lacks its chunk's name that of the only chunk there can be."""
    for key in [key for key in references if key.endswith("/")]:
        references[key + SCALAR_CHUNK] = references.pop(key)
