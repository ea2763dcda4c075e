"""What a person decides of a published product whose sources changed: it is withdrawn, or the change is accepted.

Both are kept with who, why and when, and the check `sources_unchanged` is reported anew.
"""

from collections.abc import Iterable

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.step import RUN_ASKED, ProjectsConfig, carry_out, conclude, record
from padocc_dagster.actions.watch import report
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.steps.accept import accept
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.withdraw import with_published, withdraw
from padocc_dagster.pipeline.watch.rounds import watch_project
from padocc_dagster.resources import Padocc


class PublishedConfig(ProjectsConfig):
    """Which projects, and which of their published products."""

    revision: str | None = Field(None, description="The revision, as k1.0; needed where several of a project are published")


@dg.op(name="withdraw", out=dg.Out(dg.Nothing))
def take_back(context: dg.OpExecutionContext, config: PublishedConfig, padocc: Padocc) -> None:
    """Move published products aside and leave a note for readers. The revision is never published again: a new one gets the next number."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: withdraw(workdir, with_published(workdir, config.choice), config.by, config.revision, config.dry_run))

    def follow_up() -> None:
        record(context, done, config.by)
        _look_again(context, workdir, done.done)

    conclude(context, config, done, follow_up)


@dg.op(name="accept", out=dg.Out(dg.Nothing))
def accept_sources(context: dg.OpExecutionContext, config: PublishedConfig, padocc: Padocc) -> None:
    """Accept that sources of published products changed, where a comparison shows that the values are equal."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: accept(workdir, chosen(workdir, config.choice), config.by, config.revision, config.dry_run))

    def follow_up() -> None:
        record(context, done, config.by)
        _look_again(context, workdir, done.done)

    conclude(context, config, done, follow_up)


@dg.job(tags=RUN_ASKED, description=take_back.description)
def withdraw_products() -> None:
    take_back()


@dg.job(tags=RUN_ASKED, description=accept_sources.description)
def accept_changed_sources() -> None:
    accept_sources()


def _look_again(context: dg.OpExecutionContext, workdir: Workdir, changed: Iterable[Project]) -> None:
    report(context, workdir, [watch_project(workdir, project) for project in changed])
