"""Runs of a job with one asset, as Dagster hands them to a launcher."""

import sys

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.tags import TAGS_TO_MAYBE_OMIT_ON_RETRY

ORIGIN = JobPythonOrigin("work", RepositoryPythonOrigin(sys.executable, ModuleCodePointer("a_module", "work")))


@dg.asset
def made() -> None: ...


JOB = dg.Definitions(assets=[made], jobs=[dg.define_asset_job("work", [made])]).resolve_job_def("work")


def make_run(
    instance: dg.DagsterInstance, more: dict[str, str] | None = None, status: str = "STARTING", parent: dg.DagsterRun | None = None
) -> dg.DagsterRun:
    """A run with these tags; with a parent, one that was made of it with its tags."""
    family = {"parent_run_id": parent.run_id, "root_run_id": parent.root_run_id or parent.run_id} if parent else {}
    kin = {f"dagster/{name}": value for name, value in family.items()}
    copied = {k: v for k, v in parent.tags.items() if k not in TAGS_TO_MAYBE_OMIT_ON_RETRY} | kin if parent else {}
    return instance.create_run_for_job(
        JOB,
        tags={**copied, **(more or {})},
        status=dg.DagsterRunStatus[status],
        asset_selection=frozenset({dg.AssetKey("made")}),
        job_code_origin=ORIGIN,
        **family,
    )
