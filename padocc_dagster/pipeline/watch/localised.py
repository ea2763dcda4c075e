"""A published product whose links lead to remote addresses, as a copy that refers to the source files on this machine.

That is what can be compared with them: the bytes behind an address are another machine's affair.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from padocc_dagster.pipeline.publishing.links import moved
from padocc_dagster.pipeline.watch.recorded import local_paths
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.published import Published

URIS = "fragment_uris"
"""What the names of the variables begin with that hold the addresses of a CFA aggregation (`padocc/core/filehandlers.py:1404`)."""
Local = Callable[[Iterable[str]], Mapping[str, str]]
"""Address → path on this machine, for all that are given at once."""


@contextmanager
def localised(published: Published, sources: tuple[str, ...], links: Mapping[str, str]) -> Iterator[Product]:
    """The product itself or, when its revision says that its links are remote (`kr…`, `cr…`), a copy that lives as long as the block.

    `links` are those that its report names (see `links.linked`). An address that leads to none of the sources stays as it is, and the
    comparison refuses it. Raises ValueError for a format whose links cannot be read.
    """
    product = published.product
    if not published.revision.startswith(("kr", "cr")):
        yield product
        return
    rewrite = {"kerchunk": _rewrite_json, "CFA": _rewrite_cfa}.get(product.cloud_format)
    if rewrite is None:
        raise ValueError(f"{product.path} has remote links in the format {product.cloud_format}, which cannot be compared")
    with TemporaryDirectory(prefix="padocc-dagster-") as folder:
        path = Path(shutil.copyfile(product.path, Path(folder) / product.path.name))
        rewrite(path, lambda addresses: _local(list(dict.fromkeys(addresses)), sources, links))
        yield replace(product, path=path)


def _local(addresses: list[str], sources: tuple[str, ...], links: Mapping[str, str]) -> dict[str, str]:
    back = {there.rstrip("/"): here.rstrip("/") for here, there in links.items()}
    found = [moved(address, back) for address in addresses] if back else local_paths(addresses, list(sources))
    return {address: path or address for address, path in zip(addresses, found, strict=True)}


def _rewrite_json(path: Path, local: Local) -> None:
    content = json.loads(path.read_bytes())
    paths = local(entry[0] for entry in content["refs"].values() if isinstance(entry, list))
    refs = {key: [paths[entry[0]], *entry[1:]] if isinstance(entry, list) else entry for key, entry in content["refs"].items()}
    path.write_text(json.dumps({**content, "refs": refs}), encoding="utf-8")


def _rewrite_cfa(path: Path, local: Local) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "r+") as dataset:
        for name in [name for name in dataset.variables if name.startswith(URIS)]:
            values = dataset.variables[name][...]
            paths = local(str(address) for address in values.flat)
            values.flat = [paths[str(address)] for address in values.flat]
            dataset.variables[name][...] = values
