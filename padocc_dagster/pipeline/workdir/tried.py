"""Which aggregators the last computation of a project tried, read from its events."""

from padocc_dagster.pipeline.workdir.event_log import end_at
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import PRODUCT_DIFFERS, read_rows


def aggregators_tried(workdir: Workdir, project: Project) -> tuple[str, ...]:
    """The aggregators that the last computation tried, by its record; none where plain PADOCC computed."""
    rows = enumerate(read_rows(workdir.status_log(project)), 1)
    computed = [(number, row) for number, row in rows if row.phase == "compute" and row.status != PRODUCT_DIFFERS]
    if not computed:
        return ()
    number, row = computed[-1]
    end = end_at(workdir, project, number, row.phase, row.status)
    return tuple(attempt["aggregator"] for attempt in end.details.get("aggregators") or ()) if end else ()
