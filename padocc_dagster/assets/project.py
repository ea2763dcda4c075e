"""The initialised project: its source files found, and PADOCC's config files written.

Dropping a group config into the inbox initialises whole groups in one run. Materialising a single partition here initialises that
project again: its pattern is looked up anew, and whatever lies downstream runs again.
"""

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.files import CorruptFileError
from padocc_dagster.pipeline.phases import initialise_group
from padocc_dagster.pipeline.sources import readable_size, total_bytes
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import stored_spec
from padocc_dagster.resources import Padocc


@dg.asset(partitions_def=projects, kinds={"padocc", "netcdf"}, description=__doc__, **SHARED)
def project(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    from padocc_dagster.selection import ConfigRejected, find_again

    key = project_of(context)
    try:
        spec = find_again(stored_spec(padocc.workdir, key))
    except (ConfigRejected, CorruptFileError) as error:
        remedy = "Correct the group config and drop it into the inbox again."
        raise dg.Failure(f"{key} cannot be initialised again: {error}\n{remedy}", allow_retries=False) from None
    initialise_group(padocc.workdir, key.group, [spec], whole=False, again=True)
    return dg.MaterializeResult(metadata=project_metadata(spec))


def project_metadata(spec: ProjectSpec) -> dict[str, dg.MetadataValue | str | int]:
    """What a person wants to know of an initialised project."""
    return {
        "source files": len(spec.files),
        "source size": readable_size(total_bytes(spec.files)),
        "pattern": spec.pattern or "listed in the config",
        "first file": dg.MetadataValue.path(spec.files[0]),
        "last file": dg.MetadataValue.path(spec.files[-1]),
        "cloud format": spec.options.cloud_format,
        "options": dg.MetadataValue.json(spec.as_dict()["options"]),
    }
