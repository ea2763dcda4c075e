"""What is found of a published product: a look at its sources and, where they changed, a comparison of the product with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from padocc_dagster.pipeline.running.call import WorkerError
from padocc_dagster.pipeline.watch.last import NEVER, Last, word_of
from padocc_dagster.pipeline.watch.look import Look
from padocc_dagster.pipeline.watch.recompare import recompared
from padocc_dagster.pipeline.workdir.layout import Workdir


class Result(StrEnum):
    """What is so of a product, the best first."""

    UNCHANGED = "unchanged"
    EQUAL = "equal"
    """Sources changed, and the product, as readers open it, equals the files as they are now."""
    WAITING = "to be compared"
    """Sources changed, and other products are compared first."""
    UNCOMPARED = "not compared"
    """Sources changed, and the comparison could not end."""
    UNKNOWN = "unknown"
    """There was nothing to look at: see the look's problem."""
    DIFFERS = "differs"


ORDER = tuple(Result)
COMPARED = (Result.EQUAL, Result.DIFFERS)


@dataclass(frozen=True)
class Finding:
    """One product and what is so of it."""

    look: Look
    result: Result
    problems: tuple[str, ...] = ()
    """Of the comparison."""
    sampling: str = ""
    """What the comparison looked at, in a sentence; empty when there was none."""

    @property
    def is_good(self) -> bool:
        return self.result is Result.UNCHANGED

    @property
    def word(self) -> str:
        """What changes when something else is found."""
        return word_of(self.result, self.look.fingerprint)

    @property
    def sentences(self) -> list[str]:
        """What a person should read, the most important first."""
        still = [f"its values equal those of the files as they are now ({self.sampling})"] if self.result is Result.EQUAL else []
        return [*still, *self.look.sentences, *self.problems]

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON holds it."""
        look = self.look
        return {
            "product": str(look.published.product.path),
            "project": str(look.owner or look.published.project),
            "revision": look.published.revision,
            "result": self.result,
            "published_by": "PADOCC" if look.published.by_padocc else "padocc-dagster",
            "sources": look.sources,
            "watched_since": look.since or None,
            "recorded": look.origin,
            "changes": [change.as_dict() for change in look.changes],
            "problem": look.problem,
            "comparison": {"problems": list(self.problems), "sampling": self.sampling} if self.sampling or self.problems else None,
        }


def known(look: Look, last: Last = NEVER) -> Finding | None:
    """What can be said without a comparison, which holds as long as the same changes are seen; None where one is needed."""
    if look.problem:
        return Finding(look, Result.UNKNOWN)
    if look.is_good:
        return Finding(look, Result.UNCHANGED)
    if last.result in COMPARED and last.fingerprint == look.fingerprint:
        return Finding(look, Result(last.result), last.problems, last.sampling)
    return None


def compared(workdir: Workdir, look: Look, thorough: bool = False) -> Finding:
    """Compare the product with its sources as they are now; `thorough` reads all values."""
    try:
        found = recompared(workdir, look.published, thorough)
    except WorkerError as error:
        return Finding(look, Result.UNCOMPARED, (f"the product could not be compared: {error.error_class}: {error}",))
    if not found.passed:
        return Finding(look, Result.DIFFERS, found.problems, found.sampling)
    return Finding(look, Result.UNCHANGED if look.is_good else Result.EQUAL, (), found.sampling)


def worst(findings: Iterable[Finding]) -> Finding | None:
    """The finding that matters most; None of none."""
    return max(findings, key=lambda finding: ORDER.index(finding.result), default=None)
