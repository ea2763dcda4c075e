"""What the scan found of files that are not like the others, kept beside the project: `padocc_dagster/preflight.json`."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from padocc_dagster.pipeline.comparison.sources import source_fingerprint
from padocc_dagster.pipeline.joining.odd import Odd
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir


class Preflight(BaseModel):
    """The differences between a project's source files, as their headers were at one moment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    files: int
    """How many source files there were."""
    fingerprint: str = ""
    """Of their states (`source_fingerprint`), in the order of concatenation; empty where one could not be read."""
    odd: tuple[Odd, ...] = ()


def keep(workdir: Workdir, project: Project, files: Sequence[str], odd: Sequence[Odd], is_whole: bool) -> None:
    """Write down what was found. `is_whole` says whether all headers could be read. Raises OSError."""
    found = Preflight(files=len(files), fingerprint=source_fingerprint(files) if is_whole else "", odd=tuple(odd))
    write_json(workdir.preflight(project), found.model_dump(mode="json"))


def kept(workdir: Workdir, project: Project) -> Preflight | None:
    """What the last scan found; None where there was none since the project was initialised, or its file is damaged."""
    try:
        return Preflight.model_validate(read_json(workdir.preflight(project)))
    except (CorruptFileError, ValidationError):
        return None


def odd_kept(workdir: Workdir, project: Project) -> tuple[Odd, ...]:
    """The differences that the last scan found."""
    found = kept(workdir, project)
    return found.odd if found else ()
