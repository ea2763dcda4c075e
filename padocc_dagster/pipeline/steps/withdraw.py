"""Taking published products back from readers, with a name and a reason. See `workdir/withdrawn.py` for what that leaves on the disk."""

from collections.abc import Iterable
from dataclasses import replace

from padocc_dagster.pipeline.steps.choice import Choice, chosen
from padocc_dagster.pipeline.watch.rounds import known_products
from padocc_dagster.pipeline.workdir.event_log import Histories
from padocc_dagster.pipeline.workdir.events import ProductWithdrawn
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.history import locked, write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.published import Published, groups_of, published_of
from padocc_dagster.pipeline.workdir.step import By, StepResult
from padocc_dagster.pipeline.workdir.withdrawn import Withdrawal, withdraw_product, withdrawals


def with_published(workdir: Workdir, choice: Choice) -> list[Project]:
    """The projects meant, as `choice.chosen` gives them, and those named that were removed from their groups and still have a product
    published. Raises StepRefused as it does."""
    removed = [project for key in choice.projects if (project := _removed(workdir, key))]
    others = tuple(key for key in choice.projects if key not in map(str, removed))
    return [*removed, *(chosen(workdir, replace(choice, projects=others)) if others or not removed else ())]


def withdraw(workdir: Workdir, projects: Iterable[Project], by: By, revision: str | None = None, dry_run: bool = False) -> StepResult:
    """Withdraw each project's published product; of several, the one of this revision. What was withdrawn before stays so."""
    result = StepResult()
    for project in projects:
        try:
            with locked(workdir, [project]) as busy:
                result.not_done |= busy
                if not busy:
                    _withdraw(workdir, project, by, revision, dry_run, result)
        except LockedError as refused:  # the group, which keeps the step where the project's folder is gone
            result.not_done[project] = str(refused)
    return result


def one_of(products: list[Published], revision: str | None) -> Published:
    """The product of this revision, or the only one. Raises ValueError with a sentence."""
    names = [each.revision for each in products]
    if not products:
        raise ValueError("nothing of it is published")
    if revision is None and len(products) > 1:
        raise ValueError(f"{len(names)} revisions of it are published ({', '.join(names)}): name one with --revision")
    if revision is not None and revision not in names:
        raise ValueError(f"revision {revision!r} of it is not published: {nearest(revision, names)}")
    return next(each for each in products if revision in (None, each.revision))


def _withdraw(workdir: Workdir, project: Project, by: By, revision: str | None, dry_run: bool, result: StepResult) -> None:
    products = known_products(workdir, project)
    try:
        published = one_of(products, revision)
    except ValueError as problem:
        if before := _withdrawn_before(workdir, project, products, revision):
            result.done[project] = f"{before.name} is withdrawn already, by {before.who} on {before.when}"
        else:
            result.not_done[project] = str(problem)
        return
    beside = (each for each in reversed(products) if each is not published and each.place.parent == published.place.parent)
    others = [each.name for each in beside if each.place.exists()]
    step = ProductWithdrawn(who=by.who, why=by.why, product=published.name, folder=str(published.place.parent))
    if not dry_run:
        withdraw_product(published, others, by.who, by.why)
        write_down(workdir, project, step)
    result.done[project] = str(step)


def _withdrawn_before(workdir: Workdir, project: Project, products: list[Published], revision: str | None) -> Withdrawal | None:
    """The withdrawal that an earlier step has completed, when that is what is meant."""
    if revision is None and products:
        return None
    shelves = [workdir.completed / group for group in groups_of(project, Histories(workdir))]
    names = [each for shelf in shelves for each in withdrawals(shelf) if each.name.rpartition("_")[0] == project.code]
    return next((each for each in reversed(names) if revision in (None, each.name.rpartition("_")[2])), None)


def _removed(workdir: Workdir, key: str) -> Project | None:
    """The project of this key, when it was removed from its group and still has a product published."""
    try:
        project = Project.parse(key)
    except ValueError:
        return None
    listed = project.code in project_codes(workdir, project.group)
    return project if not listed and published_of(workdir, project) else None
