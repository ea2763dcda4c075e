"""What a project's config says for all phases: how sources are opened, what is left out, what orders them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from padocc_dagster.pipeline.comparison.children import children, useful
from padocc_dagster.pipeline.comparison.sources import source_fingerprint
from padocc_dagster.pipeline.joining.formats import found_in, keep_findings, left_out, missing_values_refusal, texts_refusal
from padocc_dagster.pipeline.joining.odd import MOST_FILES, Kind, Odd
from padocc_dagster.pipeline.joining.order import Ordering, concatenation_order, ordered
from padocc_dagster.pipeline.joining.preflight import odd_files
from padocc_dagster.pipeline.joining.record import keep, kept
from padocc_dagster.pipeline.joining.refusals import refusal_among
from padocc_dagster.pipeline.joining.survey import Header, Survey, UnreadableSourceError, survey
from padocc_dagster.pipeline.joining.unjoinable import refusal_in
from padocc_dagster.pipeline.making.collecting import collecting_between_files
from padocc_dagster.pipeline.making.drivers import fitting_drivers
from padocc_dagster.pipeline.making.opening import dropping, identical_too, opened_with
from padocc_dagster.pipeline.making.operation import remove
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.sources import keep_order
from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec
from padocc_dagster.pipeline.workdir.specs import choose, spec_of

FILE_TYPES = {"kerchunk": "json", "zarr": None, "CFA": None}


def find_order(workdir: Workdir, project: Project, files: Sequence[str], cpus: int = 1) -> Ordering:
    """Find and store the order of the files; it is confirmed when a coordinate gave it, or the config says along what they follow.

    The headers of all files are read, in so many processes where that pays. What they say besides is kept: which files are not like the
    others (`joining/record.py`), and which times cannot be decoded. Raises SourcesRefused for files that cannot be joined into the
    product that the config names, UnreadableSourceError naming those that cannot be opened, and SourceError.
    """
    spec = spec_of(workdir, project)
    concat = spec.options.concat_dims
    along = concat[0] if len(concat) == 1 else None
    remove(workdir.preflight(project))
    if any(file.endswith(".tif") for file in files):
        ordering = concatenation_order(files, along)
    else:
        with children(useful(cpus, len(files))) as pool:
            found = survey(files, along, pool)
        ordering, odd = _examined(spec, found, along)
        keep(workdir, project, ordering.files, odd, is_whole=not found.unreadable)
        _refuse(spec, found, along, odd)
    keep_order(workdir, project, ordering.files, confirmed=bool(ordering.dimension or along))
    keep_findings(workdir, project, ordering.undecoded)
    return ordering


def choose_format(workdir: Workdir, project: Project, cloud_format: str, aggregator: str | None = None) -> ProjectOptions:
    """Choose the format of the product, and write it where PADOCC reads it. Returns the project's options with the choices."""
    options = choose(workdir, project, cloud_format=cloud_format, aggregator=aggregator)
    base = read_json(workdir.base_cfg(project))
    base.setdefault("padocc_dagster", {}).pop("override_before_scan", None)
    padocc_format = "kerchunk" if cloud_format == "parquet" else cloud_format
    # file_type is reset too: a scan of more than 500 MB sets 'parq', which cannot be computed (compute.py:1353)
    base["override"] = {"cloud_type": padocc_format, "file_type": FILE_TYPES[padocc_format]}
    write_json(workdir.base_cfg(project), base)
    return options


def odd_now(workdir: Workdir, project: Project, files: Sequence[str]) -> Sequence[Odd]:
    """Which files are not like the others: as the scan found it, or found anew where files have changed since.

    Raises UnreadableSourceError and SourceError as `find_order` does.
    """
    if any(file.endswith(".tif") for file in files):
        return ()
    before = kept(workdir, project)
    if before and before.fingerprint == source_fingerprint(files):
        return before.odd
    spec = spec_of(workdir, project)
    concat = spec.options.concat_dims
    found = survey(files, concat[0] if len(concat) == 1 else None)
    if found.unreadable:
        raise UnreadableSourceError(found.unreadable, len(files))
    return _examined(spec, found, concat[0] if len(concat) == 1 else None)[1]


def _examined(spec: ProjectSpec, found: Survey, along: str | None) -> tuple[Ordering, list[Odd]]:
    """The order of the files that can be read, and how all files differ."""
    odd = [Odd(kind=Kind.UNREADABLE, files=(path,), count=1, has=reason) for path, reason in list(found.unreadable.items())[:MOST_FILES]]
    if not found.headers:
        return Ordering((), None, ""), odd
    ordering = ordered(found.headers, along)
    places = {path: number for number, path in enumerate(ordering.files)}
    headers = sorted(found.headers, key=lambda header: places[header.path])
    concat = spec.options.concat_dims or ((ordering.dimension,) if ordering.dimension else None)
    return ordering, odd + odd_files(headers, concat, _without(spec, headers))


def _without(spec: ProjectSpec, headers: Sequence[Header]) -> set[str]:
    """The variables that the product does not have."""
    without = left_out(spec, headers[0].path)
    if spec.variables:
        without |= {name for header in headers for name in header.names} - headers[0].names
    return without


def _refuse(spec: ProjectSpec, found: Survey, along: str | None, odd: Sequence[Odd]) -> None:
    """Raise for files of which the product that the config names cannot be made."""
    headers, options = found.headers, spec.options
    if found.unreadable:
        raise UnreadableSourceError(found.unreadable, len(found.unreadable) + len(headers))
    first, without = headers[0].path, _without(spec, headers)
    texts = texts_refusal(first, without) if options.cloud_format == "CFA" or options.cfa else None
    unjoinable = refusal_in(headers, {*options.concat_dims, *options.identical_dims, *spec.dropped}, along)
    values = missing_values_refusal(first, options.xarray, without) if options.cloud_format == "zarr" else None
    refusal = texts or unjoinable or refusal_among(odd, options.cloud_format) or values
    if refusal:
        raise refusal


@contextmanager
def as_configured(workdir: Workdir, project: Project, files: Sequence[str]) -> Iterator[None]:
    """For the block, PADOCC opens files, leaves out variables and takes dimensions for identical as the config says, and cannot hang."""
    base = read_json(workdir.base_cfg(project))
    spec = spec_of(workdir, project, base)
    opening = {**({"decode_times": False} if found_in(base).get("undecoded") else {}), **spec.options.xarray}
    with fitting_drivers(), collecting_between_files(), opened_with(opening, spec.dropped, files), dropping(spec.dropped):
        with identical_too(spec.options.identical_dims, files):
            yield
