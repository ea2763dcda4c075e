"""tick, untick."""

import typer

from padocc_dagster.commands import ask


def tick(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Accept what PADOCC's validation said of products that equal their sources. Publication follows, the tick in its report."""
    ask.ask(workdir, "tick_projects", {**ask.choice(projects, group, phase, outcome, error_class), **ask.by(who, why, dry_run)})


def untick(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Take ticks back, of products that are not published yet."""
    ask.ask(workdir, "untick_projects", {**ask.choice(projects, group), **ask.by(who, why, dry_run)})


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (tick, untick):
        app.command()(command)
