"""Which projects a step is about: named by their keys, a whole group by `group:*`, or found by their state."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from padocc_dagster.pipeline.workdir.groups import codes_of, group_states, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict
from padocc_dagster.pipeline.workdir.status import ProjectState
from padocc_dagster.pipeline.workdir.step import StepRefused

OUTCOMES = (*(verdict.value for verdict in Verdict), "under way")


@dataclass(frozen=True)
class Choice:
    """Projects by key, narrowed by their state. With neither keys nor a group, all groups are searched."""

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
        """Whether only projects in some state are meant."""
        return any((self.phase, self.outcome, self.error_class))


def chosen(workdir: Workdir, choice: Choice) -> list[Project]:
    """The projects meant, each once, in the order of their keys' first mention and then of PADOCC.

    Raises StepRefused with every problem: names that are not safe, groups and projects that are not there, phases and outcomes that do
    not exist, and a choice that is empty or matches no project.
    """
    groups, codes = list_groups(workdir), codes_of(workdir)
    problems = [*_word_problems(choice), *_group_problems(choice.group, groups)]
    found: dict[Project, None] = {}
    for key in choice.projects or ((f"{choice.group}:*",) if choice.group else ()):
        try:
            found |= dict.fromkeys(_named(key, groups, codes))
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
    projects = _in_state(workdir, found, choice) if choice.narrows else list(found)
    if not projects:
        reason = f"none of the {len(found)} checked has this phase, outcome or error class" if found else "the groups named have none"
        raise StepRefused([f"no projects match: {reason}"])
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


def _group_problems(group: str | None, groups: list[str]) -> list[str]:
    if group is None or group in groups:
        return []
    return [name_problem("group", group) or f"there is no group {group!r}: {nearest(group, groups)}"]


def _word_problems(choice: Choice) -> list[str]:
    words = (("phase", choice.phase, PHASES), ("outcome", choice.outcome, OUTCOMES))
    return [f"{kind} is {word!r}: {nearest(word, known)}" for kind, word, known in words if word is not None and word not in known]


def _in_state(workdir: Workdir, found: Iterable[Project], choice: Choice) -> list[Project]:
    states: dict[str, dict[str, ProjectState]] = {}
    for project in found:
        if project.group not in states:
            states[project.group] = group_states(workdir, project.group)
    return [project for project in found if _matches(states[project.group][project.code], choice)]


def _matches(state: ProjectState, choice: Choice) -> bool:
    wanted = ((choice.phase, state.phase), (choice.outcome, state.outcome), (choice.error_class, state.error_class))
    return all(word is None or word == found for word, found in wanted)
