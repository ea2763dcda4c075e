"""Who asks for what a run does: the run itself, or the one that Dagster repeats by it because its worker died.

A run that a person re-executes by hand asks anew.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PARENT, RETRY, ROOT = "dagster/parent_run_id", "dagster/retry_number", "dagster/root_run_id"
AUTOMATION = "dagster/from_automation_condition"


def is_repeat(run: "DagsterRun") -> bool:
    """Whether Dagster repeats a run whose worker died."""
    return RETRY in run.tags


def asking_run(instance: "DagsterInstance", run: "DagsterRun") -> str:
    """The id of the run that asked first, where Dagster repeats it, any number of times."""
    asking = run.run_id
    repeated: DagsterRun | None = run
    while repeated and is_repeat(repeated) and PARENT in repeated.tags:
        asking = repeated.tags[PARENT]
        repeated = instance.get_run_by_id(asking)
    return asking


def root_run(run: "DagsterRun") -> str:
    """The id of the first of all runs that this one repeats, by itself or by a person's hand; its own when it repeats none."""
    return run.tags.get(ROOT, run.run_id)


def is_unattended(run: "DagsterRun") -> bool:
    """Whether automation asked for the run, and no person by executing it again."""
    return AUTOMATION in run.tags and (PARENT not in run.tags or is_repeat(run))
