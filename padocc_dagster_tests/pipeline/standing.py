"""Working directories whose projects stand somewhere: their status logs and lists, without any data."""

from collections.abc import Mapping
from pathlib import Path

from padocc_dagster.pipeline.running.finished import record_end
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.status import append_row

INIT = (("init", "Success"),)
SCANNED = (*INIT, ("scan", "Success"))
COMPUTED = (*SCANNED, ("compute", "Success"))
FATAL = (*COMPUTED, ("validate", "(K)Fatal-data_errors"))
WARNED = (*COMPUTED, ("validate", "(K)Warn-bypassed"))


def standing(root: Path, groups: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]]) -> Workdir:
    """group → code → rows of its status log."""
    workdir = Workdir(root.resolve())
    for group, projects in groups.items():
        write_lines(workdir.main_list(group), list(projects))
        for code, rows in projects.items():
            workdir.project_dir(Project(group, code)).mkdir(parents=True)
            for phase, status in rows:
                append_row(workdir.status_log(Project(group, code)), phase, status)
    return workdir


def stopped_with(workdir: Workdir, key: str, error_class: str, message: str) -> None:
    """The project's last phase failed with this error."""
    project = Project.parse(key)
    append_row(workdir.status_log(project), "compute", f"Failed-{error_class}")
    record_end(workdir, project, Outcome("compute", Verdict.FAILED, f"Failed-{error_class}", error_class, message), "")
