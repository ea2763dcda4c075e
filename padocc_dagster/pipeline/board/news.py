"""What is news of a group: that it has finished, that projects stopped, that published products went wrong. One message for all of it."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from padocc_dagster.pipeline.board.facts import Facts, counted, read_facts
from padocc_dagster.pipeline.watch.findings import Result
from padocc_dagster.pipeline.watch.last import last_found
from padocc_dagster.pipeline.workdir.groups import last_change
from padocc_dagster.pipeline.workdir.layout import Workdir

BETWEEN_SECONDS = 3600.0
"""Between two messages about a group: what happens meanwhile is in the next one."""
GOOD = ("", Result.UNCHANGED, Result.EQUAL, Result.WAITING)
NAMED = 10
"""Projects that a message names of each kind."""


class Seen(BaseModel):
    """A group as it was when a message about it was sent last, or as it was found first."""

    model_config = ConfigDict(frozen=True)

    sent: float = 0.0
    """When, in seconds since the epoch; 0 when none was."""
    finished: bool = True
    """Whether nothing is at work and nothing waits for a run."""
    stopped: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()
    """Published products that are not as they should be."""
    word: str = ""
    """Differs once the group has changed."""


def word_of(workdir: Workdir, group: str) -> str:
    """A word that changes when the group does, or what was found of its products. Costs one `stat` a project."""
    try:
        watched = workdir.watched(group).stat().st_mtime_ns
    except OSError:
        watched = 0
    return f"{last_change(workdir, group)}-{watched}"


def look(workdir: Workdir, group: str, before: Seen | None, now: float) -> tuple[str, Seen]:
    """The message to send, empty for none, and what was seen, to be given back at the next look once the message is sent."""
    word = word_of(workdir, group)
    if before and (word == before.word or now - before.sent < BETWEEN_SECONDS):
        return "", before
    facts, last = read_facts(workdir, group), last_found(workdir, group)
    counts, wrong = counted(facts), {name: found.result for name, found in last.items() if found.result not in GOOD}
    seen = Seen(
        sent=before.sent if before else 0.0,
        finished=not (counts["at work"] or counts["waiting"]),
        stopped=frozenset(each.code for each in facts if each.place == "stopped"),
        wrong=frozenset(wrong),
        word=word,
    )
    sentences = _sentences(before, seen, facts, wrong) if before else []
    if not sentences:
        return "", seen
    places = ", ".join(f"{number} {place}" for place, number in counts.items() if number or place != "withdrawn")
    return "\n".join([*sentences, f"Of {len(facts)} projects: {places}."]), seen.model_copy(update={"sent": now})


def _sentences(before: Seen, now: Seen, facts: Sequence[Facts], wrong: dict[str, str]) -> list[str]:
    found = ["All its projects have ended."] if now.finished and not before.finished else []
    kinds: dict[str, list[str]] = {}
    for each in facts:
        if each.code in now.stopped - before.stopped:
            kinds.setdefault(f"{each.error_class} in {each.state.phase}", []).append(each.code)
    found += [f"Stopped with {kind}: {_named(codes)}." for kind, codes in kinds.items()]
    results = [f"{name} ({wrong[name]})" for name in sorted(now.wrong - before.wrong)]
    return found + ([f"Published, and not as their sources are now: {_named(results)}."] if results else [])


def _named(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more
