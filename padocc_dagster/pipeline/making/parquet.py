"""Kerchunk references as a parquet store, made from a kerchunk JSON file that was compared before.

PADOCC 1.5.1 cannot write one itself: its own path fails with a TypeError (`padocc/phases/compute.py:1353`), and kerchunk's
`MultiZarrToZarr` writes chunks before the metadata that says how many there are.
"""

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

RECORD_SIZE = 100_000
"""References in one parquet file, as `kerchunk.df.refs_to_dataframe` has it."""


def write_parquet(json_path: Path, store: Path) -> None:
    """Write the references of a kerchunk JSON file as a parquet store, which appears under its name whole or not at all.

    An earlier store of that name is replaced. Raises OSError, or ValueError when the file holds no references.
    """
    import fsspec
    from fsspec.implementations.reference import LazyReferenceMapper

    references = json.loads(json_path.read_bytes()).get("refs")
    if not isinstance(references, dict):
        raise ValueError(f"{json_path} holds no kerchunk references: expected an object with 'refs'")
    beside = store.with_name(f".{store.name}.{secrets.token_hex(4)}")
    try:
        # The arrays' metadata first: the store needs their shapes to place a chunk. VirtualiZarr leaves some as objects.
        mapper = LazyReferenceMapper.create(str(beside), fs=fsspec.filesystem("file"), record_size=RECORD_SIZE)
        for key in sorted(references, key=lambda key: not _is_metadata(key)):
            mapper[key] = _as_text(references[key]) if _is_metadata(key) else references[key]
        mapper.flush()
        _replace(beside, store)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2].startswith(".z")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _replace(beside: Path, store: Path) -> None:
    """Put a finished directory in the place of another, which stays until the new one can take its name."""
    if not store.exists():
        os.rename(beside, store)
        return
    old = store.with_name(f".{store.name}.{secrets.token_hex(4)}.old")
    os.rename(store, old)
    os.rename(beside, store)
    shutil.rmtree(old)
