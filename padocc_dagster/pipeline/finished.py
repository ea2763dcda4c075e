"""Whether a run had finished its phase before it died, by what its worker wrote down last."""

from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Outcome
from padocc_dagster.pipeline.status import read_rows


def finished_before(workdir: Workdir, project: Project, phase: str, run: str) -> Outcome | None:
    """The recorded outcome, when this very run had passed the phase before it died, and nothing happened since."""
    try:
        record = read_json(workdir.outcome(project))
    except CorruptFileError:
        return None
    rows = len(read_rows(workdir.status_log(project)))
    if not run or (record.get("phase"), record.pop("run", None), record.pop("rows", None)) != (phase, run, rows):
        return None
    outcome = Outcome.from_dict(record)
    return outcome if outcome.passed else None
