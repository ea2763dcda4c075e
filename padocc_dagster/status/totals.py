"""One line about all projects: how many are published, run, wait and stopped, and how long the rest may take."""

from collections import Counter
from collections.abc import Iterable

from padocc_dagster.status.standing import Kind, Standing


def totals(rows: Iterable[Standing], hours_left: float | None = None) -> str:
    """For example "4 of 8 published, 1 running, 2 queued, 1 stopped, about 20 min left"."""
    counts = Counter(row.kind for row in rows)
    published = f"{counts[Kind.PUBLISHED]} of {counts.total()} published"
    others = [f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind] and kind is not Kind.PUBLISHED]
    left = [f"about {duration(hours_left)} left"] if hours_left else []
    return ", ".join([published, *others, *left])


def duration(hours: float) -> str:
    """A time in words, in as few digits as an estimate deserves."""
    minutes = hours * 60
    if minutes < 1.5:
        return "a minute"
    if minutes < 90:
        return f"{_rounded(minutes)} min"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def _rounded(minutes: float) -> int:
    return round(minutes) if minutes < 10 else 5 * round(minutes / 5)
