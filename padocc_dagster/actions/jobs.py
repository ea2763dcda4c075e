"""The manual steps as jobs in Dagster's launchpad, each with one op, whose config is that of the step.

A step with a wrong config changes nothing, and its run fails with every problem. One that could not be done for some of its projects
fails too, so that nobody overlooks them. A run whose worker died is not retried: a person repeats it, which is harmless.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from padocc_dagster.actions.adding import ADD, ADD_BACK
from padocc_dagster.actions.adopt import ADOPT
from padocc_dagster.actions.edit import EDIT
from padocc_dagster.actions.faultlist import FAULTLIST, UNFAULTLIST
from padocc_dagster.actions.moves import MERGE, REMOVE, SPLIT, TRANSFER
from padocc_dagster.actions.published import ACCEPT, WITHDRAW
from padocc_dagster.actions.redo import RECOMPUTE, RESCAN, REVALIDATE
from padocc_dagster.actions.rules import SET_RULES
from padocc_dagster.actions.select_again import SELECT_AGAIN
from padocc_dagster.actions.step import ManualStep
from padocc_dagster.actions.tick import TICK, UNTICK
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import USER

STEPS = (
    EDIT,
    RESCAN,
    RECOMPUTE,
    REVALIDATE,
    FAULTLIST,
    UNFAULTLIST,
    TICK,
    UNTICK,
    WITHDRAW,
    ACCEPT,
    TRANSFER,
    MERGE,
    SPLIT,
    REMOVE,
    ADD,
    ADD_BACK,
    SET_RULES,
    SELECT_AGAIN,
    ADOPT,
)
DONE, NOT_DONE, PROBLEMS = "done", "not done", "problems"
DRY_RUN = "dry run: nothing was changed"
TAGS = {"dagster/priority": "10", "dagster/max_retries": "0"}


def op_of(step: ManualStep) -> str:
    """The name of the op of a step's job."""
    return step.job.rsplit("_", 1)[0] + "_step"


def job_of(step: ManualStep) -> dg.JobDefinition:
    """The job of a step."""
    config_class = type(step.config.__name__, (dg.Config, step.config), {"__doc__": step.config.__doc__})

    def take(context: dg.OpExecutionContext, config: Any, padocc: Padocc) -> None:
        try:
            result = step.take(padocc.workdir, step.config.model_validate(config.model_dump()), context.run.tags.get(USER, ""))
        except StepRefused as refused:
            raise _refused(refused) from None
        except (CorruptFileError, OSError) as error:
            sentence = f"{error}\nCorrect that and repeat the step: what was begun is on record, and continues where it stopped."
            raise dg.Failure(sentence, allow_retries=False) from error
        _report(context, result, DRY_RUN if config.dry_run else step.follows)

    take.__annotations__["config"] = config_class
    op = dg.op(name=op_of(step), out=dg.Out(dg.Nothing), description=step.description)(take)

    @dg.job(name=step.job, tags=TAGS, description=step.description, config={"ops": {op_of(step): {"config": step.example}}})
    def job() -> None:
        op()

    return job


JOBS = [job_of(step) for step in STEPS]


@dg.op(out=dg.Out(dg.Nothing))
def finish_steps(context: dg.OpExecutionContext, padocc: Padocc) -> None:
    """Internal: the conductor requests its runs. Finish transfers, merges, splits and removals that were interrupted."""
    for sentence in finish_unfinished(padocc.workdir):
        context.log.info(sentence)


@dg.job(tags={"dagster/priority": "10"}, description=finish_steps.description)
def finish_interrupted_steps() -> None:
    finish_steps()


def _refused(refused: StepRefused) -> dg.Failure:
    records = [dg.TableRecord({"problem": problem}) for problem in refused.problems]
    table = dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn("problem")]))
    return dg.Failure(f"Nothing was changed.\n{refused}", metadata={PROBLEMS: table}, allow_retries=False)


def _report(context: dg.OpExecutionContext, result: StepResult, note: str) -> None:
    """Show what the step did, as the op's last act. Raises Failure when something was not done."""
    for project, reason in result.not_done.items():
        context.log.warning(f"{project}: not done: {reason}")
    sentences = "\n".join([*result.notes, *([note] if note else [])])
    metadata: dict[str, Any] = {DONE: _table(result.done), NOT_DONE: _table(result.not_done), **({"note": sentences} if sentences else {})}
    if result.not_done:
        left = "\n".join(f"{project}: {reason}" for project, reason in list(result.not_done.items())[:20])
        raise dg.Failure(f"{result}:\n{left}", metadata=metadata, allow_retries=False)
    context.log.info(f"{result}{': ' + sentences if sentences else ''}")
    context.add_output_metadata(metadata)


def _table(what: Mapping[Project, str]) -> dg.TableMetadataValue:
    """A sentence for each project."""
    records = [dg.TableRecord({"project": str(project), "what": text}) for project, text in what.items()]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in ("project", "what")]))
