"""Accepting that the sources of a published product changed, with a name and a reason: from then on their present state is the right one.

That is for changes which leave the values as they were, such as a move of the archive or a corrected attribute. It is refused where a
comparison of the published product with its sources does not show that they are equal.
"""

from collections.abc import Iterable

from padocc_dagster.pipeline.running.call import WorkerError
from padocc_dagster.pipeline.steps.withdraw import one_of
from padocc_dagster.pipeline.watch.look import look_at
from padocc_dagster.pipeline.watch.recompare import recompared
from padocc_dagster.pipeline.watch.recorded import Recorded, keep_accepted, recorded_of
from padocc_dagster.pipeline.workdir.events import SourcesAccepted
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.history import locked, write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import Published, published_of
from padocc_dagster.pipeline.workdir.source_states import SourceState, digest, state_of
from padocc_dagster.pipeline.workdir.sources import source_checksums
from padocc_dagster.pipeline.workdir.step import By, StepResult


class NotAccepted(ValueError):
    """The sources of a product cannot be accepted; the sentence says why."""


def accept(workdir: Workdir, projects: Iterable[Project], by: By, revision: str | None = None, dry_run: bool = False) -> StepResult:
    """Accept the sources of each project's published products as they are, or of the one of this revision."""
    result = StepResult()
    for project in projects:
        try:
            products = published_of(workdir, project)
            chosen = [one_of(products, revision)] if revision or not products else products
            result.done[project] = "; ".join(_accept(workdir, project, published, by, dry_run) for published in chosen)
        except (CorruptFileError, OSError, ValueError) as problem:
            result.not_done[project] = str(problem)
    return result


def _accept(workdir: Workdir, project: Project, published: Published, by: By, dry_run: bool) -> str:
    """Accept the sources of one product. Returns a sentence; raises NotAccepted."""
    look = look_at(workdir, published, project)
    if look.problem:
        raise NotAccepted(f"{published.name}: {look.problem}")
    if look.is_good:
        return f"the sources of {published.name} are as they should be: there is nothing to accept"
    recorded = recorded_of(workdir, published, project)
    states = _equal_states(workdir, project, published, recorded)
    step = SourcesAccepted(who=by.who, why=by.why, product=published.name, files=len(look.changes))
    if not dry_run:
        with locked(workdir, [project]) as busy:
            if busy:
                raise NotAccepted(busy[project])
            keep_accepted(published, recorded, states, by.who, by.why)
            write_down(workdir, project, step)
    return str(step)


def _equal_states(workdir: Workdir, project: Project, published: Published, recorded: Recorded) -> tuple[SourceState, ...]:
    """The sources as they are, of which a comparison shows that the product equals them."""
    checksums = source_checksums(workdir, project)
    try:
        states = tuple(state_of(each.path, checksums.get(each.path, each.checksum)) for each in recorded.states)
        found = recompared(workdir, published)
    except FileNotFoundError as error:
        raise NotAccepted(f"{published.name}: source file {error.filename} is missing, which cannot be accepted: withdraw it") from None
    except WorkerError as error:
        raise NotAccepted(f"{published.name} could not be compared with its sources: {error.error_class}: {error}") from None
    if not found.passed:
        remedy = "withdraw it, or publish a new version"
        raise NotAccepted(f"{published.name} does not equal its sources any more ({found.problems[0]}): {remedy}")
    if found.source_fingerprint != digest(states):
        raise NotAccepted(f"source files of {published.name} changed while they were compared: accept them when nobody writes there")
    return states
