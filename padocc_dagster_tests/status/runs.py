"""Runs of projects that wait or work, as the daemon and a launcher would have left them in an instance."""

import dagster as dg
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test

from padocc_dagster.batch.tags import JOB_OF
from padocc_dagster.runs import PARTITION

ORIGIN = RemoteJobOrigin(
    repository_origin=RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin(host="localhost", socket="/none"), "__repository__"),
    job_name="advance_project",
)


def add_run(instance: dg.DagsterInstance, key: str, status: str, **tags: str) -> dg.DagsterRun:
    """A run for the project of this key."""
    given = {PARTITION: key, **{name.replace("__", "/"): value for name, value in tags.items()}}
    return create_run_for_test(instance, "advance_project", tags=given, status=dg.DagsterRunStatus[status], remote_job_origin=ORIGIN)


def launched(instance: dg.DagsterInstance, run: dg.DagsterRun, **tags: str) -> None:
    """A launcher has written these tags for the run."""
    instance.add_run_tags(run.run_id, {JOB_OF: run.run_id, **{name.replace("__", "/"): value for name, value in tags.items()}})
