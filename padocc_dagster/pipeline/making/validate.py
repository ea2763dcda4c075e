"""PADOCC's own validation, with its reports.

It proves little (a single element per variable for most datasets, `padocc/phases/validate.py:84`), so the gate before publishing
is the comparison with the sources. What PADOCC says is kept, shown and heeded all the same.
"""

from typing import Any

from padocc_dagster.pipeline.making.configured import as_configured
from padocc_dagster.pipeline.making.operation import construct, remove
from padocc_dagster.pipeline.making.placing import placed
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.specs import spec_of

REPORTS = ("data_report.json", "metadata_report.json")
ADDED_BY_PADOCC = ("aggregation_date",)


class ProductMissingError(Exception):
    """There is no product to validate."""


def validate(workdir: Workdir, project: Project) -> dict[str, Any]:
    """Validate the product and return PADOCC's reports as rows.

    Reports of earlier validations are removed first: PADOCC leaves them when there is nothing to report
    (`padocc/core/filehandlers.py:560`). Attributes changed on purpose are not counted as differences.
    """
    import dask
    from padocc.phases.validate import ValidateOperation

    base = read_json(workdir.base_cfg(project))
    product = product_of(workdir, project, base)
    if not product.exists():
        raise ProductMissingError(f"{product.path} does not exist: run compute again")
    directory = workdir.project_dir(project)
    for report in REPORTS:
        remove(directory / report)
    mode = "kerchunk" if product.cloud_format == "parquet" else product.cloud_format
    sources = read_lines(workdir.allfiles(project))
    with dask.config.set(scheduler="synchronous"), as_configured(workdir, project, sources), placed(workdir, project, sources, product):
        construct(ValidateOperation, workdir, project, "validate").run(mode=mode, error_bypass=_bypass(workdir, project))
    return {"findings": read_findings(workdir, project)}


def _bypass(workdir: Workdir, project: Project) -> dict[str, Any]:
    """PADOCC's `error_bypass` (`padocc/core/errors.py:84`): the one kind of difference that is meant, for each attribute."""
    import netCDF4

    spec = spec_of(workdir, project)
    with netCDF4.Dataset(read_lines(workdir.allfiles(project))[0]) as source:
        present = set(source.ncattrs())
    meant = dict.fromkeys((*ADDED_BY_PADOCC, *spec.removals), "missing")
    meant |= {name: "not_equal" if name in present else "missing" for name in spec.updates}
    return {"metadata": {"attributes": {"global": {name: {"type": kind} for name, kind in meant.items()}}}}


def read_findings(workdir: Workdir, project: Project) -> list[dict[str, str]]:
    """PADOCC's validation reports as rows: part, kind, name and what was found."""
    findings: list[dict[str, str]] = []
    for report in REPORTS:
        try:
            value = read_json(workdir.project_dir(project) / report)
        except CorruptFileError:
            continue
        for part, kinds in value.items():
            for kind, names in (kinds or {}).items():
                for name, found in names.items() if isinstance(names, dict) else [("", names)]:
                    findings.append({"part": part, "kind": str(kind), "name": str(name), "found": str(found)})
    return findings
