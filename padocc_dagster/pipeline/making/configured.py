"""What a project's config says for all phases: how sources are opened, what is left out, what orders them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from padocc_dagster.pipeline.joining.formats import found_in, keep_findings, left_out, texts_refusal
from padocc_dagster.pipeline.joining.order import Ordering, concatenation_order, ordered
from padocc_dagster.pipeline.joining.survey import survey
from padocc_dagster.pipeline.joining.unjoinable import refusal_in
from padocc_dagster.pipeline.making.collecting import collecting_between_files
from padocc_dagster.pipeline.making.drivers import fitting_drivers
from padocc_dagster.pipeline.making.opening import dropping, identical_too, opened_with
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.sources import keep_order
from padocc_dagster.pipeline.workdir.specs import spec_of


def find_order(workdir: Workdir, project: Project, files: Sequence[str]) -> Ordering:
    """Find and store the order of the files; it is confirmed when a coordinate gave it, or the config says along what they follow.

    What else their headers say is kept in the project's base config: times that cannot be decoded, and differing packings. Raises
    SourcesRefused for files that cannot be joined, and UnreadableSourceError naming those that cannot be opened.
    """
    spec = spec_of(workdir, project)
    options, concat = spec.options, spec.options.concat_dims
    along = concat[0] if len(concat) == 1 else None
    if any(file.endswith(".tif") for file in files):
        ordering, headers = concatenation_order(files, along), []
    else:
        headers = survey(files, along)
        without = left_out(spec, files[0])
        if spec.variables:
            without |= {name for header in headers for name in header.variables} - headers[0].variables
        texts = texts_refusal(files[0], without) if options.cloud_format == "CFA" or options.cfa else None
        refusal = texts or refusal_in(headers, {*concat, *options.identical_dims, *spec.dropped}, along, without)
        if refusal:
            raise refusal
        ordering = ordered(headers, along)
    keep_order(workdir, project, ordering.files, confirmed=bool(ordering.dimension or along))
    keep_findings(workdir, project, headers, ordering.undecoded)
    return ordering


@contextmanager
def as_configured(workdir: Workdir, project: Project, files: Sequence[str]) -> Iterator[None]:
    """For the block, PADOCC opens files, leaves out variables and takes dimensions for identical as the config says, and cannot hang."""
    base = read_json(workdir.base_cfg(project))
    spec = spec_of(workdir, project, base)
    opening = {**({"decode_times": False} if found_in(base).get("undecoded") else {}), **spec.options.xarray}
    with fitting_drivers(), collecting_between_files(), opened_with(opening, spec.dropped, files), dropping(spec.dropped):
        with identical_too(spec.options.identical_dims, files):
            yield
