"""Which projects a step is about: named by their keys, a whole group by `group:*`, or found by where they stand.

What acts by itself, a while after it looked, names a project as it was seen: `group:project@rows`. That means the project only while its
status log has so many rows and it is not on the faultlist, and nothing, which is no mistake, once somebody did something to it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from padocc_dagster.pipeline.groups import codes_of, faultlist, group_states, list_groups
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.names import name_problem, nearest
from padocc_dagster.pipeline.outcome import PHASES, Verdict
from padocc_dagster.pipeline.status import ProjectState, read_rows
from padocc_dagster.pipeline.steps.step import StepRefused

AS_SEEN = "@"
OUTCOMES = (*(verdict.value for verdict in Verdict), "under way")


@dataclass(frozen=True)
class Choice:
    """Projects by key, narrowed by where they stand. With neither keys nor a group, all groups are looked at."""

    projects: tuple[str, ...] = ()
    group: str | None = None
    phase: str | None = None
    """The last phase that ended."""
    outcome: str | None = None
    """How it ended: ok, warned, failed, skipped, or under way."""
    error_class: str | None = None
    """As `status` shows it, for example ConcatFatalError."""

    @property
    def is_empty(self) -> bool:
        return self == Choice()

    @property
    def narrows(self) -> bool:
        """Whether only projects that stand somewhere are meant."""
        return any((self.phase, self.outcome, self.error_class))


def as_seen(project: Project, rows: int) -> str:
    """The key of a project while its status log has so many rows."""
    return f"{project}{AS_SEEN}{rows}"


def chosen(workdir: Workdir, choice: Choice) -> list[Project]:
    """The projects meant, each once, in the order of their keys' first mention and then of PADOCC.

    Raises StepRefused with every problem: names that are not safe, groups and projects that are not there, phases and outcomes that do
    not exist, and a choice that means nothing or no project. Only projects named as they were seen may turn out to be none.
    """
    groups, codes = list_groups(workdir), codes_of(workdir)
    problems = [*_word_problems(choice), *_group_problems(choice.group, groups)]
    found: dict[Project, None] = {}
    for key in choice.projects or ((f"{choice.group}:*",) if choice.group else ()):
        try:
            found |= dict.fromkeys(_seen(workdir, key, codes) if AS_SEEN in key else _named(key, groups, codes))
        except ValueError as problem:
            problems.append(str(problem))
    if choice.is_empty:
        problems.append("no projects are chosen: name GROUP:PROJECT or GROUP:*, or say which by group, phase, outcome or error class")
    if problems:
        raise StepRefused(dict.fromkeys(problems))
    if choice.projects and choice.group:
        found = {project: None for project in found if project.group == choice.group}
    elif not choice.projects and not choice.group:
        found = {Project(group, code): None for group in groups for code in codes(group)}
    projects = _standing(workdir, found, choice) if choice.narrows else list(found)
    if not projects and not any(AS_SEEN in key for key in choice.projects):
        raise StepRefused([f"no project is meant: {len(found)} were looked at, and none stands where it was asked for"])
    return projects


def _named(key: str, groups: list[str], codes: Callable[[str], dict[str, None]]) -> Iterable[Project]:
    group, colon, code = key.partition(":")
    if not colon:
        raise ValueError(f"{key!r} is not a project key: write GROUP:PROJECT, or GROUP:* for a whole group")
    if problems := _group_problems(group, groups):
        raise ValueError("; ".join(problems))
    if code == "*":
        return [Project(group, each) for each in codes(group)]
    if problem := name_problem("project code", code):
        raise ValueError(problem)
    if code not in codes(group):
        raise ValueError(f"group {group} has no project {code!r}: {nearest(code, codes(group))}")
    return [Project(group, code)]


def _seen(workdir: Workdir, key: str, codes: Callable[[str], dict[str, None]]) -> Iterable[Project]:
    """The project if it is as it was seen. Nobody writes such a key by hand: a wrong one is refused for the names in it."""
    named, _, rows = key.rpartition(AS_SEEN)
    project = Project.parse(named if rows.isdecimal() else key)
    is_there = project.code in codes(project.group) and project.code not in faultlist(workdir, project.group)
    return [project] if is_there and len(read_rows(workdir.status_log(project))) == int(rows) else []


def _group_problems(group: str | None, groups: list[str]) -> list[str]:
    if group is None or group in groups:
        return []
    return [name_problem("group", group) or f"there is no group {group!r}: {nearest(group, groups)}"]


def _word_problems(choice: Choice) -> list[str]:
    words = (("phase", choice.phase, PHASES), ("outcome", choice.outcome, OUTCOMES))
    return [f"{kind} is {word!r}: {nearest(word, known)}" for kind, word, known in words if word is not None and word not in known]


def _standing(workdir: Workdir, found: Iterable[Project], choice: Choice) -> list[Project]:
    states: dict[str, dict[str, ProjectState]] = {}
    for project in found:
        if project.group not in states:
            states[project.group] = group_states(workdir, project.group)
    return [project for project in found if _matches(states[project.group][project.code], choice)]


def _matches(state: ProjectState, choice: Choice) -> bool:
    outcome = state.verdict.value if state.verdict else "under way"
    wanted = ((choice.phase, state.phase), (choice.outcome, outcome), (choice.error_class, state.error_class))
    return all(word is None or word == found for word, found in wanted)
