"""audit."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.one_project import JsonOption
from padocc_dagster.commands.place import WorkdirOption, place_of, sentences

if TYPE_CHECKING:
    from padocc_dagster.pipeline.watch.audit import Audit

SHOWN = 5
"""Sentences a product; --json has all."""


def audit(
    workdir: WorkdirOption,
    group: Annotated[str | None, typer.Argument(help="One group. Without it, all groups.", show_default=False)] = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Read all values of every product and of its sources again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at all published products now: are they there, are their source files unchanged, do the values still equal?

    Products whose sources changed are compared with them; nothing is reported to Dagster. Ends with 1 when anything is wrong.
    """
    with sentences():
        from padocc_dagster.pipeline.watch.audit import audited

        found = audited(place_of(workdir), group, thorough)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=1))
    else:
        _print(found)
    raise typer.Exit(0 if found.is_good else 1)


def _print(found: "Audit") -> None:
    for finding in found.findings:
        if not finding.is_good:
            typer.echo(f"{finding.look.published.product.path}: {finding.result}")
            for sentence in finding.sentences[:SHOWN]:
                typer.echo(f"  {sentence}")
            if len(finding.sentences) > SHOWN:
                typer.echo(f"  … {len(finding.sentences) - SHOWN} more")
    for project in found.not_found:
        typer.echo(f"{project}: PADOCC's status log says complete, and no product of it is in this working directory: it is not watched")
    if found.first_seen:
        typer.echo(f"{len(found.first_seen)} product(s) do not list their sources; changes can be seen since {min(found.first_seen)}.")
    counts = ", ".join(f"{count} {result}" for result, count in sorted(Counter(each.result for each in found.findings).items()))
    typer.echo(f"{len(found.findings)} published product(s) with {found.sources} source files: {counts or 'none'}.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(audit)
