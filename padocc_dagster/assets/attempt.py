"""A phase attempted from an asset: who requested it, and how its failure is shown: what happened, what it means, what to do."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import dagster as dg

from padocc_dagster.assets.advice import advice_metadata, commands_in_words
from padocc_dagster.batch import tags
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.partitions import PHASE_ASSETS, ROW
from padocc_dagster.pipeline.remedies import commands_for, remedy_for
from padocc_dagster.pipeline.running.call import follow
from padocc_dagster.pipeline.running.due import HELD_BACK, NOT_DUE
from padocc_dagster.pipeline.workdir.event_log import end_at
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError
from padocc_dagster.pipeline.workdir.outcome import Outcome
from padocc_dagster.pipeline.workdir.used import Used
from padocc_dagster.runs import first_attempt, is_repeat, is_unattended

T = TypeVar("T")


def attempted(
    context: dg.AssetExecutionContext, phase: Callable[..., Outcome], workdir: Workdir, project: Project, **choices: Any
) -> Outcome:
    """The outcome of a phase, made when the project is free (`when_free`)."""
    return when_free(context, lambda: phase(workdir, project, **choices, **attempt_of(context)))


def when_free(context: dg.AssetExecutionContext, work: Callable[[], T]) -> T:
    """What the work returns. In a retry in a cluster's job it waits for a process that works on the same project, and is then tried again.

    That may be the attempt before, on a node that the cluster does not reach. The wait ends with the wall time that the job requested. A
    process that no longer refreshes its lock loses it (`workdir/locks.py`).
    """
    began, has_said_so = time.monotonic(), False
    patience = (requested_of(context.run) or {}).get("wall_seconds", 0) if is_repeat(context.run) else 0
    while True:
        done = work()
        if getattr(done, "error_class", None) != LockedError.__name__ or time.monotonic() - began >= patience:
            return done
        if not has_said_so:
            context.log.warning(f"This retry waits, for at most {patience} s: {getattr(done, 'message', done)}")
            has_said_so = True


def attempt_of(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """Who requests a phase: the run, whether Dagster retries it because its worker died, whether the conductor requested it, and what its
    job requested."""
    run = context.run
    return {
        "run": first_attempt(context.instance, run),
        "resumed": is_repeat(run),
        "unattended": is_unattended(run),
        "requested": requested_of(run),
    }


def requested_of(run: dg.DagsterRun) -> dict[str, int] | None:
    """What the run's job requested: wall seconds, MiB and CPUs, without what it left open; None on one machine."""
    text = tags.own(run.run_id, run.tags).get(tags.REQUESTED)
    if text is None:
        return None
    asked = Allocation.parse(text)
    sizes = {"wall_seconds": asked.wall_seconds, "memory_mib": asked.memory_mib, "cpus": asked.cpus}
    return {name: size for name, size in sizes.items() if size is not None}


def was_tried(outcome: Outcome) -> bool:
    """Whether the phase began: neither was its project locked or its gate closed, nor is it no longer due."""
    return bool(outcome.status)


def failure(workdir: Workdir, project: Project, outcome: Outcome, more: Callable[[], Mapping[str, Any]] = dict) -> dg.Failure:
    """The failure of a phase that did not pass. A phase is never retried as it was; `more` is called for further metadata.

    Where the process of the phase was killed, this process may end here as it did (`workers/call.py`, `follow`).
    """
    if outcome.error_class in (NOT_DUE, HELD_BACK):
        return dg.Failure(outcome.message, allow_retries=False)
    follow(outcome.status)
    explanation = remedy_for(outcome.error_class)
    remedies = commands_for(workdir, project, explanation, outcome.phase, outcome.error_class or outcome.status)
    return dg.Failure(
        description=(
            f"{outcome.phase} of {project} {outcome.verdict}: {outcome.error_class}: {outcome.message or outcome.status}\n"
            f"It means that {explanation.meaning}.\nWhat to do: {explanation.advice}.\n{commands_in_words(remedies)}"
        ),
        metadata={
            "error class": outcome.error_class or "",
            "status": outcome.status,
            **advice_metadata(explanation, remedies),
            **more(),
            **log_metadata(outcome),
        },
        allow_retries=False,
    )


def shown(context: dg.AssetExecutionContext, phase: str, failed: dg.Failure) -> dg.Failure:
    """The failure of a phase, which is logged as an observation as well: of a failed partition, Dagster shows events of its asset alone."""
    if failed.metadata:
        asset, partition = PHASE_ASSETS[phase], context.partition_key
        context.log_event(dg.AssetObservation(asset, failed.description, partition=partition, metadata=failed.metadata))
    return failed


def outcome_metadata(outcome: Outcome) -> dict[str, Any]:
    """What every materialization of a phase shows."""
    return {"status": outcome.status, ROW: outcome.row, **({"note": outcome.message} if outcome.message else {}), **log_metadata(outcome)}


def used_metadata(workdir: Workdir, project: Project, outcome: Outcome) -> dict[str, int | float]:
    """What the phase used, as numbers that Dagster plots over time; nothing where no worker of this package ended it."""
    end = end_at(workdir, project, outcome.row, outcome.phase, outcome.status)
    return figures_of(end.used) if end and end.used else {}


def figures_of(used: Used) -> dict[str, int | float]:
    """Numbers that Dagster plots over time."""
    return {"seconds": used.seconds, "CPU seconds": used.cpu_seconds, "peak memory MiB": used.peak_mib}


def log_metadata(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    """The phase log: its path, and its last lines."""
    found: dict[str, dg.MetadataValue] = {"log": dg.MetadataValue.md("```\n" + "\n".join(outcome.log_tail) + "\n```")}
    if outcome.log_path:
        found["phase log"] = dg.MetadataValue.path(outcome.log_path)
    return found
