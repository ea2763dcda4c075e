"""The versions of a project's product that there are: in its folder, and published."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.product import Product, product_of
from padocc_dagster.pipeline.workdir.published import FORMATS, published_of

OWN = re.compile(r"(k|kr|zr)(\d+\.\d+)a\.(json|parquet|zarr)")


@dataclass(frozen=True)
class Revision:
    """One version of a product."""

    name: str
    """As PADOCC writes it: `k1.0`, `zr1.1`."""
    published: bool
    product: Product

    def __str__(self) -> str:
        return f"{self.name} ({'published' if self.published else 'working directory'})"

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.product.version.split("."))


def current_revision(workdir: Workdir, project: Project) -> Revision | None:
    """The product of the project's config; None when it is not there."""
    try:
        product = product_of(workdir, project)
    except (CorruptFileError, KeyError, TypeError):
        return None
    return Revision(product.revision, False, product) if product.exists() else None


def other_revisions(workdir: Workdir, project: Project) -> list[Revision]:
    """All others, oldest first, but for a published product of the present one's name. Names alone are read."""
    present = current_revision(workdir, project)
    if present is None:
        return []
    found = [*_own(workdir, project), *published_revisions(workdir, project)]
    others = [each for each in found if each.product.path != present.product.path and each.name != present.name]
    return sorted(others, key=lambda each: (each.number, each.published, each.name))


def to_compare_with(workdir: Workdir, project: Project, wanted: str | None) -> Revision:
    """The revision `wanted`, or the newest that is not newer than the present one, or what is published under the same name.

    Raises ValueError with a sentence when there is none.
    """
    present = current_revision(workdir, project)
    if present is None:
        raise ValueError(f"{project} has no product in its working directory: compute it first")
    others = other_revisions(workdir, project)
    namesake = [each for each in published_revisions(workdir, project) if each.name == present.name]
    names = list(dict.fromkeys(each.name for each in (*others, *namesake)))
    if not names:
        raise ValueError(f"{project} has no version beside {present}: `padocc-dagster recompute {project} --new-version` makes one")
    if wanted is not None and wanted not in names:
        raise ValueError(f"{project} has no other version {wanted!r} beside {present}: {nearest(wanted, names)}")
    if wanted is not None:
        return [each for each in (*others, *namesake) if each.name == wanted][-1]
    earlier = [each for each in others if each.number <= present.number]
    return (earlier or namesake or others)[-1]


def _own(workdir: Workdir, project: Project) -> Iterator[Revision]:
    folder = workdir.project_dir(project)
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if match := OWN.fullmatch(path.name):
            letter, version, _ = match.groups()
            yield Revision(letter + version, False, Product(path, FORMATS[path.suffix], version))


def published_revisions(workdir: Workdir, project: Project) -> Iterator[Revision]:
    """Those in `completed/<group>` of the groups that the project is and was in, also where its folder is gone."""
    for each in published_of(workdir, project):
        if each.product.exists():
            yield Revision(each.revision, True, each.product)
