"""A published product compared with its sources again: the product as readers open it, and the files as they are now.

The comparison runs in a worker, like that of a product before its publication, with the same options: the report lists them.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison import compare
from padocc_dagster.pipeline.publishing.verify import comparison_options, request_of
from padocc_dagster.pipeline.running.call import call
from padocc_dagster.pipeline.watch.localised import localised
from padocc_dagster.pipeline.watch.multihash import matches
from padocc_dagster.pipeline.watch.recorded import recorded_of
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import fingerprint
from padocc_dagster.pipeline.workdir.published import Published, owners, published_in, read_report
from padocc_dagster.pipeline.workdir.source_states import SourceState
from padocc_dagster.pipeline.workdir.specs import spec_of


@dataclass(frozen=True)
class Recompared:
    """What a comparison of a published product has shown."""

    problems: tuple[str, ...]
    """Why it does not equal its sources any more; empty when it does."""
    sampling: str
    """One sentence: what was compared."""
    files_compared: int
    files_total: int
    source_fingerprint: str
    """`source_states.digest` of the files that were compared; empty when none were."""

    @property
    def passed(self) -> bool:
        return not self.problems


def recompared(workdir: Workdir, published: Published, thorough: bool = False) -> Recompared:
    """Compare the product in a worker. `thorough` reads every value of every file. Raises WorkerError when the comparison could not end."""
    answer = call("recompare", root=str(workdir.root), group=published.group, name=published.name, thorough=thorough)
    return Recompared(**{**answer, "problems": tuple(answer["problems"])})


def recompare(root: str, group: str, name: str, thorough: bool = False) -> dict[str, Any]:
    """The operation of the worker: `Recompared` as JSON holds it."""
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
    also = [*_changed_bytes(published, report), *_other_checksums(states)] if thorough else []
    return {
        "problems": [*also, *found.problems],
        "sampling": found.sampling,
        "files_compared": found.files_compared,
        "files_total": found.files_total,
        "source_fingerprint": found.source_fingerprint,
    }


def _wanted(workdir: Workdir, owner: Project | None, report: dict[str, Any]) -> dict[str, Any]:
    """The options of the comparison before publication; for a product that PADOCC published, those of its project's config."""
    if "comparison" in report:
        options: dict[str, Any] = report["comparison"].get("asked", {})
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
