"""Manual steps taken in tests: the function itself, or its job; and what came of either."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.jobs import NOT_DONE, PROBLEMS, job_of, op_of
from padocc_dagster.actions.step import ManualStep
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import USER

WHO = {"who": "Ann", "why": "a remedy"}
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def take(workdir: Workdir, step: ManualStep, **config: Any) -> StepResult:
    return step.take(workdir, step.config(**{**WHO, **config}), proven="Ann")


def refusal(workdir: Workdir, step: ManualStep, **config: Any) -> str:
    """The problems of a step that is refused, after which no file is another."""
    before = every_file(workdir)
    with pytest.raises(StepRefused) as refused:
        take(workdir, step, **config)
    assert every_file(workdir) == before
    return str(refused.value)


def run(instance: dg.DagsterInstance, workdir: Workdir, step: ManualStep, user: str = "", **config: Any) -> dg.ExecuteInProcessResult:
    """The job of the step, launched by a user with a login or by nobody known."""
    return job_of(step).execute_in_process(
        instance=instance,
        resources={"padocc": Padocc(root=str(workdir.root))},
        run_config={"ops": {op_of(step): {"config": {**WHO, **config}}}, "loggers": QUIET},
        raise_on_error=False,
        tags={USER: user} if user else None,
    )


def every_file(workdir: Workdir) -> dict[str, bytes]:
    """Every file of the working directory but the locks, with its content."""
    locks = workdir.root / "locks"
    return {str(path): path.read_bytes() for path in workdir.root.rglob("*") if path.is_file() and not path.is_relative_to(locks)}


def failure(result: dg.ExecuteInProcessResult) -> dg.Failure:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    found: dg.Failure = event.step_failure_data.user_failure_data
    return found


def output(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    found: dict[str, Any] = event.step_output_data.metadata
    return found


def table(rows: Any) -> dict[str, str]:
    """Project → what is reported of it."""
    return {row.data["project"]: row.data["what"] for row in rows.records}


def not_done(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return table(failure(result).metadata[NOT_DONE])


def problems(result: dg.ExecuteInProcessResult) -> list[str]:
    found: Any = failure(result).metadata[PROBLEMS]
    return [row.data["problem"] for row in found.records]


def killed_at(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, call: Callable[[], Any]) -> None:
    """Call, and be killed where the function is called."""

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(BaseException):  # noqa: B017 - as Dagster passes it on
        patch.setattr(place, name, killed)
        call()
        raise KeyboardInterrupt
