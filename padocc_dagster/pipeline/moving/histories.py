"""The histories of many projects: what their groups keep of them is read once, not once for each project."""

from functools import cache

from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.steps.history import Entry, entry_of, lines_of


class Histories:
    """Gives what `history_of` gives, as it was at the first question about a project of the group."""

    def __init__(self, workdir: Workdir) -> None:
        self._workdir = workdir
        self._kept = cache(self._kept_of)

    def of(self, project: Project) -> list[Entry]:
        """What was done by hand to the project, oldest first."""
        own = [entry for line in lines_of(self._workdir.history(project)) if (entry := entry_of(line))]
        return sorted([*self._kept(project.group).get(project.code, ()), *own], key=lambda entry: entry.when)

    def _kept_of(self, group: str) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for line in lines_of(self._workdir.group_history(group)):
            code = line.pop("project", None)
            if isinstance(code, str) and (entry := entry_of(line)):
                found.setdefault(code, []).append(entry)
        return found
