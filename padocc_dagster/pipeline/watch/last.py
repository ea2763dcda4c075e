"""What was found last of each published product, and when: small, derived, and safe to delete.

    padocc_dagster/watched/<group>.json    {name: {"path", "looked", "fingerprint", "result", "problems", "sampling", "reported"}, …}

Without it every product counts as never looked at. It is looked at within a day, compared again where its sources changed, and
reported once. Only that a product was there which somebody has deleted since is not known then.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.published import Published

SHOWN = 20
"""Problems that are kept of a comparison."""


@dataclass(frozen=True)
class Last:
    """What was found of one product."""

    path: str = ""
    """Where the product lay, below `completed/`."""
    looked: float = 0.0
    """Seconds since the epoch."""
    fingerprint: str = ""
    """Of the look: see `Look.fingerprint`."""
    result: str = ""
    """A value of `findings.Result`; empty when the comparison was still to come."""
    problems: tuple[str, ...] = ()
    sampling: str = ""
    reported: str = ""
    """The finding that Dagster knows: see `word`; empty when it knows none."""

    @property
    def word(self) -> str:
        """What changes when something else is found."""
        return word_of(self.result, self.fingerprint)


NEVER = Last()


def word_of(result: str, fingerprint: str) -> str:
    """A finding as one word, to see whether it is news."""
    return f"{result} {fingerprint}".strip()


def last_found(workdir: Workdir, group: str) -> dict[str, Last]:
    """Name → what was found last of the group's products; empty when that was deleted or is damaged."""
    try:
        return {name: Last(**{**value, "problems": tuple(value["problems"])}) for name, value in read_json(workdir.watched(group)).items()}
    except (CorruptFileError, KeyError, TypeError):
        return {}


class Lasts:
    """What was found last of published products, each group read once, when it is needed."""

    def __init__(self, workdir: Workdir) -> None:
        self._read = cache(partial(last_found, workdir))

    def of(self, published: Published) -> Last:
        return self._read(published.group).get(published.name, NEVER)


def keep_found(workdir: Workdir, group: str, found: Mapping[str, Last], gone: Collection[str] = ()) -> None:
    """Keep what was found beside what is known of the group's other products. `gone` are names to forget."""
    with held(workdir.watched_lock(group), f"what was found of group {group}"):
        merged = {name: last for name, last in {**last_found(workdir, group), **found}.items() if name not in gone}
        values = {name: {**asdict(last), "problems": last.problems[:SHOWN]} for name, last in merged.items()}
        write_json(workdir.watched(group), values)
