"""open."""

from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.one_project import KeyArgument, one_project
from padocc_dagster.commands.place import WorkdirOption, sentences

if TYPE_CHECKING:
    from padocc_dagster.pipeline.workdir.published import Published

RevisionOption = Annotated[str | None, typer.Option(help="A revision, as k1.0.  [default: the newest]", show_default=False)]


def lines(key: KeyArgument, workdir: WorkdirOption, revision: RevisionOption = None) -> None:
    """Print the lines of Python that open a project's published product with plain xarray."""
    with sentences():
        from padocc_dagster.pipeline.publishing.opening import lines_to_open
        from padocc_dagster.pipeline.workdir.published import published_of

        place, project = one_project(workdir, key)
        found = _one(key, published_of(place, project), revision)
        remote = found.revision.startswith("kr")
        typer.echo("\n".join(lines_to_open(found.product.path, found.product.cloud_format, remote)))


def _one(key: str, products: "list[Published]", revision: str | None) -> "Published":
    """The product of this revision, or the newest. Raises ValueError with a sentence for one that is not there."""
    there = [each for each in products if each.product.exists()]
    found = [each for each in there if revision in (None, each.revision)]
    if not found:
        known = ", ".join(each.revision for each in there)
        raise ValueError(
            f"{key} has no published product{f' {revision}: there are {known}' if known else ': see `padocc-dagster explain ' + key + '`'}"
        )
    return found[-1]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command(name="open")(lines)
