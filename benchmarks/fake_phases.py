"""Phases that take no time, for `control_plane.py` alone: what is left is Dagster's and this package's own work.

`FakePhases` is the run launcher: it hands the runs of projects to one player process, and launches all others as on one machine. The
player (`python -m benchmarks.fake_phases WORKDIR`) writes the rows of the status log, the events and what a run logs to Dagster, and
reports success.
"""

import os
import socket
import sys
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData, StepSuccessData

from padocc_dagster.dagster_private import LaunchRunContext, bound_to
from padocc_dagster.local.launcher import LocalRunLauncher
from padocc_dagster.partitions import ADVANCED, PHASE_ASSETS, PHASE_CHECKS, ROW
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.runs import PARTITION

JOB = "advance_project"
DETAILS = {"chunks": {f"v{number}": {"dimensions": ["time"], "chunks": 12} for number in range(20)}, "sample": "x" * 200}


class FakePhases(LocalRunLauncher):
    """Hands the runs of projects to the player."""

    def launch_run(self, context: LaunchRunContext) -> None:
        if context.dagster_run.job_name != JOB:
            super().launch_run(context)
            return
        with socket.socket(socket.AF_UNIX) as player:
            player.connect(str(socket_of(Path(self._instance.root_directory))))
            player.sendall(context.dagster_run.run_id.encode())

    def has_worker(self, run: dg.DagsterRun) -> bool:
        return run.job_name == JOB or super().has_worker(run)


def socket_of(home: Path) -> Path:
    return home / "private" / "player.sock"


def play(instance: dg.DagsterInstance, workdir: Workdir, run: dg.DagsterRun) -> None:
    """Everything that a run of a project leaves behind."""

    def log(kind: DagsterEventType, step: str | None = None, data: object = None) -> None:
        instance.report_dagster_event(DagsterEvent(kind.value, JOB, step_key=step, event_specific_data=data), run.run_id)  # type: ignore[arg-type]

    project = Project.parse(run.tags[PARTITION])
    log(DagsterEventType.RUN_START)
    for phase in ADVANCED:
        step, row = PHASE_ASSETS[phase], len(read_rows(workdir.status_log(project))) + 1
        log(DagsterEventType.STEP_START, step)
        with open(workdir.status_log(project), "a") as file:
            file.write(f"\n{phase},Success,10:00 01/01/26,")
        ended = PhaseEnded(project=str(project), phase=phase, verdict=Verdict.OK, status="Success", run=run.run_id, row=row)
        record(workdir, project, ended)
        if phase == "compute":
            record(workdir, project, Compared(row=row, passed=True, product="f" * 64))
        metadata = {"status": "Success", ROW: row, "details": dg.MetadataValue.json(DETAILS)}
        made = dg.AssetMaterialization(step, partition=str(project), description=f"{phase}: Success", metadata=metadata)
        log(DagsterEventType.ASSET_MATERIALIZATION, step, StepMaterializationData(made, []))
        if phase in PHASE_CHECKS:
            log(DagsterEventType.ASSET_CHECK_EVALUATION, step, _check(instance, run.run_id, project, phase, row))
        log(DagsterEventType.STEP_SUCCESS, step, StepSuccessData(1000.0))
    log(DagsterEventType.RUN_SUCCESS)


def _check(instance: dg.DagsterInstance, run_id: str, project: Project, phase: str, row: int) -> dg.AssetCheckEvaluation:
    asset, key = dg.AssetKey(PHASE_ASSETS[phase]), str(project)
    latest = instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION, {key})
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=PHASE_CHECKS[phase],
        passed=True,
        partition=key,
        blocking=True,
        description="Success",
        metadata={ROW: row, "status": "Success"},
        target_materialization_data=bound_to(latest[key], run_id),
    )


def main(workdir: Workdir) -> None:
    """Play runs as they are handed over, until the process is ended."""
    home = workdir.root / "dagster"
    os.environ["DAGSTER_HOME"] = str(home)
    instance = dg.DagsterInstance.from_config(str(home))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(socket_of(home)))
        server.listen(1000)
        while True:
            with server.accept()[0] as client:
                run_id = client.recv(64).decode()
            run = instance.get_run_by_id(run_id)
            if run and not run.is_finished:
                play(instance, workdir, run)


if __name__ == "__main__":
    from padocc_dagster.dagster_connections import keep_sqlite_open

    keep_sqlite_open()
    main(Workdir(Path(sys.argv[1])))
