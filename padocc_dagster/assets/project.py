"""The initialised project: its source files found, and PADOCC's config files written.

Dropping a group config into the inbox initialises whole groups in one run. Materialising a single partition here initialises that
project again: its pattern is looked up anew, and the phases that follow run again.
"""

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.partitions import ROW, project_of, projects
from padocc_dagster.pipeline.running.call import WorkerError
from padocc_dagster.pipeline.running.phases import initialise_group
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.sources import readable_size, total_bytes
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.resources import Padocc
from padocc_dagster.selection import ConfigRejected, find_again


@dg.asset(partitions_def=projects, kinds={"padocc", "netcdf"}, description=__doc__, **SHARED)
def project(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    key = project_of(context)
    try:
        with held(padocc.workdir.edits_lock, "what projects are made from"):
            spec = find_again(stored_spec(padocc.workdir, key))
            done = initialise_group(padocc.workdir, key.group, [spec], whole=False, again=True)
    except LockedError as locked:
        raise _refusal(key, f"{locked}\nWhat to do: wait until that ends, then materialise again.") from None
    except (ConfigRejected, CorruptFileError, WorkerError) as error:
        raise _refusal(key, f"{error}\nWhat to do: correct the group config and drop it into the inbox again.") from None
    if done["locked"]:
        raise _refusal(key, "another run is at work on it\nWhat to do: wait until that ends, then materialise again.")
    row = len(read_rows(padocc.workdir.status_log(key)))
    return dg.MaterializeResult(metadata={**project_metadata(spec), ROW: row})


def _refusal(key: Project, reason: str) -> dg.Failure:
    return dg.Failure(f"{key} cannot be initialised again: {reason}", allow_retries=False)


def project_metadata(spec: ProjectSpec) -> dict[str, dg.MetadataValue | str | int]:
    """Metadata of an initialised project for people."""
    return {
        **_of_records(spec),
        "source files": len(spec.files),
        "source size": readable_size(total_bytes(spec.files)),
        "pattern": spec.pattern or ("selected from the catalogue" if spec.records else "listed in the config"),
        "first file": dg.MetadataValue.path(spec.files[0]),
        "last file": dg.MetadataValue.path(spec.files[-1]),
        "cloud format": spec.options.cloud_format,
        "options": dg.MetadataValue.json(spec.as_dict()["options"]),
    }


def _of_records(spec: ProjectSpec) -> dict[str, dg.MetadataValue | str | int]:
    """Which records of a catalogue the files come from."""
    if not spec.records:
        return {}
    catalogue = spec.records["catalogue"]
    address = dg.MetadataValue.url(catalogue) if catalogue.startswith("http") else dg.MetadataValue.path(catalogue)
    return {"catalogue": address, "catalogue items": spec.records["items"]}
