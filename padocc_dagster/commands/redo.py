"""rescan, recompute, revalidate."""

from typing import Annotated, Any

import typer

from padocc_dagster.commands import ask

TimeOption = Annotated[str | None, typer.Option(help="Wall time for each run on SLURM, as in 02:00:00.", show_default=False)]
MemoryOption = Annotated[str | None, typer.Option(help="Memory for each run on SLURM, as in 16G.", show_default=False)]


def rescan(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    time: TimeOption = None,
    memory: MemoryOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Scan projects again. What lies downstream follows by itself."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    ask.ask(workdir, "rescan_projects", {**chosen, **ask.by(who, why, dry_run), **_given(time=time, memory=memory)})


def recompute(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    cloud_format: Annotated[str | None, typer.Option(help="kerchunk, parquet, zarr or CFA.", show_default=False)] = None,
    aggregator: Annotated[str | None, typer.Option(help="V or K.", show_default=False)] = None,
    new_version: Annotated[bool, typer.Option("--new-version", help="Keep the present product.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Find order and dimensions anew.")] = False,
    time: TimeOption = None,
    memory: MemoryOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Make products again, with other options, more time or more memory. Validation and publication follow by themselves."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    options = _given(
        time=time, memory=memory, cloud_format=cloud_format, aggregator=aggregator, new_version=new_version, thorough=thorough
    )
    ask.ask(workdir, "recompute_projects", {**chosen, **ask.by(who, why, dry_run), **options})


def revalidate(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    time: TimeOption = None,
    memory: MemoryOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Validate products again."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    ask.ask(workdir, "revalidate_projects", {**chosen, **ask.by(who, why, dry_run), **_given(time=time, memory=memory)})


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (rescan, recompute, revalidate):
        app.command()(command)
