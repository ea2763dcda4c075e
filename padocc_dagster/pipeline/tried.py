"""Which aggregators the last computation of a project tried, read from its records."""

from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.finished import passed_record
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import PRODUCT_DIFFERS, read_rows


def aggregators_tried(workdir: Workdir, project: Project) -> tuple[str, ...]:
    """The aggregators that the last computation tried, as its record says; none where plain PADOCC computed, or no record is left."""
    computed = [(number, row.status) for number, row in enumerate(read_rows(workdir.status_log(project)), 1) if row.phase == "compute"]
    made = [end for end in computed if end[1] != PRODUCT_DIFFERS]
    for path in (workdir.outcome(project), passed_record(workdir, project, "compute")):
        try:
            record = read_json(path)
        except CorruptFileError:
            continue
        if made and record.get("phase") == "compute" and (record.get("rows"), record.get("status")) == made[-1]:
            return tuple(attempt["aggregator"] for attempt in record.get("details", {}).get("aggregators") or ())
    return ()
