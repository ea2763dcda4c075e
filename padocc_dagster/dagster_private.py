"""The parts of Dagster that are private and have no public counterpart. No other file but `dagster_connections.py` uses any; review them at
each new version."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import AssetCheckKey, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, MetadataValue
from dagster._core.code_pointer import ModuleCodePointer, PackageCodePointer
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.events import EngineEventData, JobFailureData, RunFailureReason
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._core.storage.tags import GRPC_INFO_TAG, REPORTING_USER_TAG, USER_TAG
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult, ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, deserialize_value, serialize_value

from padocc_dagster.dagster_connections import close_sqlite, keep_postgres_open, keep_sqlite_open

__all__ = [
    "CapturedLogContext",
    "CheckRunHealthResult",
    "ConfigurableClass",
    "ConfigurableClassData",
    "LaunchRunContext",
    "LocalComputeLogManager",
    "RunLauncher",
    "WorkerStatus",
    "redirect_to_file",
]
STREAM_SUFFIXES = tuple(IO_TYPE_EXTENSION.values())
"""Of the files that hold a step's standard output and error."""


def bound_to(storage_id: int, run_id: str) -> Any:
    """What binds a check result to the materialization of this storage id: a result without it does not count as current."""
    return AssetCheckEvaluationTargetMaterializationData(storage_id=storage_id, run_id=run_id, timestamp=time.time())


def check_results(instance: DagsterInstance, check: AssetCheckKey, keys: Iterable[str]) -> dict[str, bool]:
    """Partition key → whether the latest result of the check passed; without those that have none."""
    succeeded, failed = AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED
    infos = instance.event_log_storage.get_asset_check_partition_info([check], partition_keys=list(keys))
    ended = {info.partition_key: info.latest_execution_status for info in infos}
    return {key: status is succeeded for key, status in ended.items() if key and status in (succeeded, failed)}


def current_passes(instance: DagsterInstance, check: AssetCheckKey, keys: Iterable[str]) -> set[str]:
    """The partition keys whose latest result of the check passed and is about their latest materialization."""
    infos = instance.event_log_storage.get_asset_check_partition_info([check], partition_keys=list(keys))
    succeeded = AssetCheckExecutionRecordStatus.SUCCEEDED
    return {info.partition_key for info in infos if info.partition_key and info.is_current and info.latest_execution_status is succeeded}


def most_concurrent_runs(instance: DagsterInstance) -> int | None:
    """`concurrency.runs.max_concurrent_runs` of the instance; None for no limit, and where there is no queue."""
    config = instance.get_concurrency_config().run_queue_config
    return config.max_concurrent_runs if config and config.max_concurrent_runs >= 0 else None


def has_worker(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether a process works for a run that a launcher on one machine started. True where that cannot be known.

    Dagster's default launcher has no public way to ask (`dagster/_core/launcher/default_run_launcher.py`).
    """
    launcher = instance.run_launcher
    if hasattr(launcher, "has_worker"):
        return bool(launcher.has_worker(run))
    if not isinstance(launcher, DefaultRunLauncher):
        return True
    client = launcher._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
    if client is None:  # the daemon ended before it asked the code server
        return False
    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=10)
    except DagsterUserCodeUnreachableError:
        return True
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def validate_settings(home: Path) -> None:
    """Raise Dagster's error, or a custom instance class's, for what Dagster rejects in the dagster.yaml of this DAGSTER_HOME."""
    dagster_instance_config(str(home))


def launcher_in(home: Path) -> RunLauncher | None:
    """The run launcher that the dagster.yaml of this DAGSTER_HOME configures, without a database. Raises the launcher's own errors."""
    return InstanceRef.from_dir(str(home)).run_launcher


def report_worker_lost(instance: DagsterInstance, run: DagsterRun, message: str) -> None:
    """Report a run as failed because its worker ended before the run did. Dagster retries it as its settings say."""
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    instance.report_run_failed(run, message, reason)


def restore_end(instance: DagsterInstance, run_id: str) -> DagsterRun | None:
    """Set a run's status to the end that its log has, and return the run; None when the log has none.

    Whoever cancels a run that ends in that moment writes CANCELING over its end; and a process may die between the two writes of an end.
    """
    ends = {DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED}
    for record in instance.get_records_for_run(run_id, of_type=ends, limit=1, ascending=False).records:
        entry = record.event_log_entry
        instance.handle_run_event(run_id, entry.get_dagster_event(), datetime.fromtimestamp(entry.timestamp, UTC))
        return instance.get_run_by_id(run_id)
    return None


def report_canceling(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Report that a run is being cancelled. False, and the run keeps its end, when its log says that it has ended since it was read."""
    instance.report_run_canceling(run)
    return restore_end(instance, run.run_id) is None


def report_canceled(instance: DagsterInstance, run: DagsterRun, message: str) -> None:
    """Report a run as cancelled, unless its log says that it has ended."""
    if restore_end(instance, run.run_id) is None:
        instance.report_run_canceled(run, message)


def report_process_ended(instance: DagsterInstance, run_id: str, how: str) -> None:
    """Report that the process of a run has ended, as `how` says, if the run has not: as cancelled where a person is cancelling it."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    if run.status is DagsterRunStatus.CANCELING:
        report_canceled(instance, run, f"{how} while the run was being cancelled.")
    else:
        report_worker_lost(instance, run, f"{how} before the run did.")


def report_with_metadata(instance: DagsterInstance, run: DagsterRun, message: str, metadata: "Mapping[str, MetadataValue[Any]]") -> None:
    """Add an engine event with metadata to the run."""
    instance.report_engine_event(message, run, EngineEventData(metadata))


def runs_in_code_server(run: DagsterRun) -> bool:
    """Whether a code server has the run's worker."""
    return GRPC_INFO_TAG in run.tags


def execute_run_argument(run: DagsterRun) -> str:
    """The last argument of `dagster api execute_run` for this run: JSON, in which nothing of dagster.yaml appears."""
    origin = run.job_code_origin
    assert origin is not None  # as of every run that is launched
    return ExecuteRunArgs(origin, run.run_id, instance_ref=None).get_command_args()[-1]


def definitions_module(run: DagsterRun) -> str:
    """The module that the run's definitions are in; empty where they are named in another way."""
    pointer = run.job_code_origin.repository_origin.code_pointer if run.job_code_origin else None
    return pointer.module if isinstance(pointer, ModuleCodePointer | PackageCodePointer) else ""


def execute_run_command(python: str, run: DagsterRun, instance: DagsterInstance) -> list[str]:
    """The command of a run's worker where no dagster.yaml is at hand: the instance's settings are in it, with `{env: NAME}` as written."""
    origin = run.job_code_origin
    assert origin is not None  # as of every run that is launched
    command = ExecuteRunArgs(origin, run.run_id, instance.get_ref()).get_command_args()
    return [python, "-m", "dagster", *command[command.index("api") :]]  # what comes before says how the code server was started


def reference(instance: DagsterInstance) -> str:
    """How another process opens the same instance where no dagster.yaml is at hand, with `{env: NAME}` as written. For `referenced`."""
    return serialize_value(instance.get_ref())


def referenced(text: str) -> DagsterInstance:
    """The instance of a `reference`."""
    return DagsterInstance.from_ref(deserialize_value(text, InstanceRef))


def load_jobs(module: str) -> None:
    """Import all that the execution of a run uses, and the module with the definitions, whose jobs are built and kept for `execute_run`."""
    from dagster import Definitions
    from dagster._cli import api  # noqa: F401  # what `execute_run` imports
    from dagster._core.storage import sqlite_storage  # noqa: F401
    from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

    keep_sqlite_open()
    keep_postgres_open()
    for target in loadable_targets_from_python_module(module, working_directory=None):
        if isinstance(target.target_definition, Definitions):
            target.target_definition.get_repository_def().load_all_definitions()


def execute_run(run_id: str) -> bool:
    """Execute the run of the instance in DAGSTER_HOME, as `dagster api execute_run` does. Returns whether it succeeded."""
    from dagster._cli.api import _execute_run_command_body
    from dagster._utils.interrupts import capture_interrupts

    keep_sqlite_open()
    try:
        with capture_interrupts(), DagsterInstance.get() as instance:
            return not _execute_run_command_body(run_id, instance, lambda event: None, set_exit_code_on_failure=True)
    finally:
        close_sqlite()


def name_users(user: Callable[[], str]) -> None:
    """Tag the runs and backfills that this process creates with the name that `user` returns, and with no other name.

    Replaced are `RunDomain.create_run`, which the web server and re-executions call, and the request context's tags of a viewer and of
    whoever reports an asset, which Dagster's open source leaves empty.
    """
    from dagster._core.instance.runs.run_domain import RunDomain
    from dagster._core.workspace.context import WorkspaceRequestContext

    def tags(key: str) -> dict[str, str]:
        return {key: user()} if user() else {}

    create = RunDomain.create_run

    def create_run(self: RunDomain, **others: Any) -> DagsterRun:
        others["tags"] = {**{key: value for key, value in (others["tags"] or {}).items() if key != USER_TAG}, **tags(USER_TAG)}
        return create(self, **others)

    RunDomain.create_run = create_run  # type: ignore[method-assign]
    WorkspaceRequestContext.get_viewer_tags = lambda self: tags(USER_TAG)  # type: ignore[method-assign]
    WorkspaceRequestContext.get_reporting_user_tags = lambda self: tags(REPORTING_USER_TAG)  # type: ignore[method-assign]


def read_cursor(instance: DagsterInstance, key: str) -> str:
    """The text in this row of the database's table of cursors; empty without one."""
    storage = instance.daemon_cursor_storage
    return storage.get_cursor_values({key}).get(key, "") if storage else ""


def write_cursor(instance: DagsterInstance, key: str, text: str) -> None:
    """Write this row of the database's table of cursors."""
    storage = instance.daemon_cursor_storage
    assert storage is not None  # as of every instance with a dagster.yaml
    storage.set_cursor_values({key: text})
