"""One look at a published product: is it there, and are its sources as they should be? One `stat` a file, nothing is read of them."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from padocc_dagster.pipeline.watch.recorded import Origin, SourcesUnknown, recorded_of
from padocc_dagster.pipeline.workdir.changes import SourceChange, changes
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import Published
from padocc_dagster.pipeline.workdir.sources import source_checksums
from padocc_dagster.pipeline.workdir.withdrawn import is_begun

AT_ONCE = 8
"""Threads: a `stat` on a network file system mostly waits."""


@dataclass(frozen=True)
class Look:
    """What one look at a product has shown."""

    published: Published
    owner: Project | None
    """The project that it is of now; None when that was removed."""
    sources: int = 0
    """How many source files were looked at."""
    since: str = ""
    """From when on a change can be seen, and from where it is known how the sources were: see `Recorded`."""
    origin: Origin | None = None
    changes: tuple[SourceChange, ...] = ()
    problem: str = ""
    """Why there was nothing to look at: the product is gone, its report is damaged, its sources are not known."""

    @property
    def is_good(self) -> bool:
        return not self.changes and not self.problem

    @property
    def sentences(self) -> list[str]:
        """What is not as it should be."""
        return [self.problem] if self.problem else [str(change) for change in self.changes]

    @property
    def fingerprint(self) -> str:
        """What differs between this look and one that has shown something else; empty when all is as it should be."""
        if self.is_good:
            return ""
        seen = "\n".join([self.problem, *(f"{each.change} {each.before} {each.now}" for each in self.changes)])
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


def looks(workdir: Workdir, products: Iterable[tuple[Published, Project | None]]) -> Iterator[Look]:
    """Look at these products, each given with the project that it is of now; in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda pair: look_at(workdir, *pair), products)


def look_at(workdir: Workdir, published: Published, owner: Project | None) -> Look:
    """Look at one product. Never raises for what lies on the disk: that is a problem of the product."""
    if not published.product.exists():
        return Look(published, owner, problem=f"the published product {published.product.path} is missing")
    if is_begun(published):
        return Look(published, owner, problem=f"the withdrawal of {published.place} was interrupted: withdraw it again")
    try:
        recorded = recorded_of(workdir, published, owner)
    except (CorruptFileError, SourcesUnknown) as error:
        return Look(published, owner, problem=str(error))
    except FileNotFoundError as error:
        return Look(published, owner, problem=f"source file {error.filename} is missing, and nobody recorded how it was")
    except OSError as error:
        return Look(published, owner, problem=f"source file {error.filename} cannot be looked at: {error.strerror}")
    found = changes(recorded.states, source_checksums(workdir, owner) if owner else {})
    return Look(published, owner, len(recorded.states), recorded.since, recorded.origin, tuple(found))
