"""Checksums as STAC catalogues give them: `file:checksum`, a multihash in hexadecimal (code of the function, length, digest)."""

import hashlib

FUNCTIONS = {"1114": "sha1", "1220": "sha256", "1340": "sha512", "d50110": "md5"}
"""How a multihash begins, by the function of `hashlib` that makes its digest."""


def matches(path: str, checksum: str) -> bool | None:
    """Whether the file's bytes have this checksum; None for one that cannot be computed here. Reads the whole file; raises OSError."""
    start = next((start for start in FUNCTIONS if checksum.lower().startswith(start)), None)
    if start is None:
        return None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, FUNCTIONS[start]).hexdigest()
    return checksum.lower() == start + digest
