"""What a project's config asks of all phases: which way sources are opened, what is left out, what orders them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from padocc_dagster.pipeline.files import read_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.making.collecting import collecting_between_files
from padocc_dagster.pipeline.making.dimensions import identical_too
from padocc_dagster.pipeline.making.drivers import fitting_drivers
from padocc_dagster.pipeline.making.dropping import dropping
from padocc_dagster.pipeline.making.opening import opened_with
from padocc_dagster.pipeline.making.order import Ordering, concatenation_order
from padocc_dagster.pipeline.product import options_of
from padocc_dagster.pipeline.sources import keep_order
from padocc_dagster.pipeline.specs import dropped_of


def asked_order(workdir: Workdir, project: Project, files: Sequence[str]) -> Ordering:
    """Find and store the order of the files; it is confirmed when a coordinate gave it, or the config says along what they follow."""
    concat = options_of(read_json(workdir.base_cfg(project))).get("concat_dims") or ()
    along = concat[0] if len(concat) == 1 else None
    ordering = concatenation_order(files, along)
    keep_order(workdir, project, ordering.files, confirmed=bool(ordering.dimension or along))
    return ordering


@contextmanager
def as_asked(workdir: Workdir, project: Project, files: Sequence[str]) -> Iterator[None]:
    """For the block, PADOCC opens files, leaves out variables and takes dimensions for identical as the config asks, and cannot hang."""
    base = read_json(workdir.base_cfg(project))
    options, dropped = options_of(base), dropped_of(base)
    with fitting_drivers(), collecting_between_files(), opened_with(options.get("xarray") or {}, dropped, files), dropping(dropped):
        with identical_too(list(options.get("identical_dims") or ())):
            yield
