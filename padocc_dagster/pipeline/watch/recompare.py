"""A published product compared with its sources again: the product as readers open it, and the files as they are now.

The comparison runs in a worker, like that of a product before its publication, with the same options: the report lists them.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison import Comparison, compare
from padocc_dagster.pipeline.publishing.verify import comparison_options, request_of
from padocc_dagster.pipeline.running.call import call
from padocc_dagster.pipeline.watch.localised import localised
from padocc_dagster.pipeline.watch.recorded import recorded_of
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import fingerprint
from padocc_dagster.pipeline.workdir.published import Published, owners, published_in, read_report
from padocc_dagster.pipeline.workdir.source_states import SourceState
from padocc_dagster.pipeline.workdir.specs import spec_of

FUNCTIONS = {"1114": "sha1", "1220": "sha256", "1340": "sha512", "d50110": "md5"}
"""How a multihash in hexadecimal begins (STAC's `file:checksum`), by the function of `hashlib` that makes its digest."""


def recompared(workdir: Workdir, published: Published, thorough: bool = False) -> Comparison:
    """Compare the product in a worker. `thorough` reads every value of every file. Raises WorkerError when the comparison could not end."""
    return Comparison.from_dict(call("recompare", root=str(workdir.root), group=published.group, name=published.name, thorough=thorough))


def recompare(root: str, group: str, name: str, thorough: bool = False) -> dict[str, Any]:
    """The operation of the worker: the comparison as JSON holds it."""
    workdir = Workdir(Path(root))
    named = [each for each in published_in(workdir, group) if each.name == name]
    if not named:
        raise CorruptFileError(f"{workdir.completed / group} has no published product {name} any more")
    ((published, owner),) = owners(workdir, named[:1])
    states = recorded_of(workdir, published, owner).states
    sources = tuple(state.path for state in states)
    report = {} if published.by_padocc else read_report(published)
    wanted = _wanted(workdir, owner, report) | ({"compare": "all"} if thorough else {})
    with localised(published, sources, report.get("links", {})) as product:
        found = compare(request_of(product, sources, wanted, f"{group}:{published.code}"))
    also = (*_changed_bytes(published, report), *_other_checksums(states)) if thorough else ()
    return replace(found, problems=(*also, *found.problems)).as_dict()


def _wanted(workdir: Workdir, owner: Project | None, report: dict[str, Any]) -> dict[str, Any]:
    """The options of the comparison before publication; for a product that PADOCC published, those of its project's config."""
    if "comparison" in report:
        options: dict[str, Any] = report["comparison"].get("options", {})
        return options
    try:
        return comparison_options(spec_of(workdir, owner)) if owner else {}
    except CorruptFileError:
        return {}


def _changed_bytes(published: Published, report: dict[str, Any]) -> list[str]:
    """Whether the product holds the bytes that were published; nobody knows where links were rewritten, or PADOCC published it."""
    expected = report.get("comparison", {}).get("product_fingerprint")
    if not expected or report.get("links") or fingerprint(published.product.path) == expected:
        return []
    return [f"{published.product.path} does not hold the bytes that were published"]


def _other_checksums(states: Iterable[SourceState]) -> Iterator[str]:
    """The source files whose bytes do not have the checksum that their catalogue gave."""
    for state in states:
        with suppress(OSError):  # a file that cannot be read is a problem of the comparison
            if state.checksum and matches(state.path, state.checksum) is False:
                yield f"source file {state.path} does not have the checksum {state.checksum} that its catalogue gave"


def matches(path: str, checksum: str) -> bool | None:
    """Whether the file's bytes have this multihash; None for one that cannot be computed here. Reads the whole file; raises OSError."""
    start = next((start for start in FUNCTIONS if checksum.lower().startswith(start)), None)
    if start is None:
        return None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, FUNCTIONS[start]).hexdigest()
    return checksum.lower() == start + digest
