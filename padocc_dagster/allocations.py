"""The allocation policy for runs of this package: what each requests from a cluster.

    run_launcher: {…, config: {allocation_policy: "padocc_dagster.allocations:allocation_for"}}

Each phase has a default; a computation is estimated from its project's scan, and each phase from what earlier runs of the group used,
once there are a few (`pipeline/running/learning.py`). What earlier jobs of the same project used, and what they died of, raises that and
never lowers it. A run of several phases gets the sum of their times. Where a job runs (SLURM partition, QoS, account) is not decided here.
"""

import math
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import MOST_MIB, MOST_SECONDS
from padocc_dagster.batch.policy import PastJob, Work
from padocc_dagster.pipeline.running.estimate import Size, estimate, size_of
from padocc_dagster.pipeline.running.learning import Learned, read_learned
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

MEMORY_MIB = 2048
RUN_MIB = 512
"""What a run takes beside the worker of its phase, whose memory is what was learned."""
CHILD_MIB = 256
"""What each of several processes that share the work takes."""
LEAST_MIB = 1024
"""Of what was learned, with that."""
CPUS = 1  # PADOCC keeps one core busy, unless the files are many
MANY_FILES, MOST_CPUS = 500, 4
"""So many files are worth a CPU each time, up to so many CPUs: a job with more may wait longer than it saves."""
COMPUTE = "cloud_product"
PHASES = {"scan_report": "scan", COMPUTE: "compute", "validation_report": "validate", "completed_product": "complete"}
"""The phase that makes an asset."""
MINUTES: tuple[tuple[int, frozenset[str]], ...] = (
    (15, frozenset({"project"})),
    (15, frozenset({"scan_report"})),
    (60, frozenset({COMPUTE})),
    (10, frozenset({"validation_report"})),
    (15, frozenset({"completed_product"})),
    (20, frozenset({"scan_success", "compute_success", "validate_success"})),
    (10, frozenset({"group_overview"})),
)
"""Minutes, and the assets made in them together.

Publishing copies references in seconds, but copies every byte of a Zarr store and reads it twice again: 6 GB in a quarter of an hour
at 20 MB/s. Writing subsets waits up to 10 minutes for another writer of the group.
"""
JOBS = {"initialise_group": 120, "adopt_groups": 240, "refresh_group": 30, "report_from_files": 30}
"""Minutes of the jobs that name no assets; other manual steps have OTHER_MINUTES. Initialising waits up to 30 minutes for projects at
work, and makes thousands of them; adopting reports thousands to Dagster, some 20 ms for each phase that is done."""
OTHER_MINUTES = 60
ASSET_JOB = "__ASSET_JOB"
"""The job of every run that Dagster makes of assets. When it names none, it runs checks, the comparison of a product among them."""
COMPARE_JOB = "compare_products"
LEAST_SECONDS = 600
"""Of an estimated computation: file systems have bad days."""
SAFETY = 3
"""Times the estimated seconds, which are those of a quiet machine."""
ROOM = 1.5
"""Times what the last job used that did its work."""


def allocation_for(work: Work) -> Allocation:
    """What a run requests. Never raises: a project whose files cannot be read gets the defaults, and its run reports why."""
    checks_alone = work.job_name in (ASSET_JOB, COMPARE_JOB) and work.partition_key and not work.assets
    assets = frozenset({COMPUTE}) if checks_alone else work.assets
    seconds, memory_mib, cpus = 60 * _minutes(assets, work.job_name), MEMORY_MIB, CPUS
    if estimated := _estimated(work.partition_key, assets):
        for asset, phase_seconds in estimated.seconds.items():
            seconds += phase_seconds - 60 * _minutes({asset}, ASSET_JOB)
        memory_mib, cpus = estimated.memory_mib, estimated.cpus
    return _raised(_sized(max(seconds, LEAST_SECONDS), memory_mib, cpus), [job for job in work.past if job.assets == work.assets])


def _minutes(assets: Iterable[str], job_name: str) -> int:
    """The default for making these assets in one run, or for the job when there are none."""
    assets = set(assets)
    if not assets:
        return JOBS.get(job_name, OTHER_MINUTES)
    known = frozenset().union(*(made for _, made in MINUTES))
    return sum(minutes for minutes, made in MINUTES if made & assets) + (OTHER_MINUTES if assets - known else 0)


@dataclass(frozen=True)
class Estimated:
    """What the phases of a run will take, with a margin: seconds by asset, without those that nothing is known of."""

    seconds: dict[str, int]
    """On one CPU: a site may give no more."""
    memory_mib: int
    cpus: int
    """More than one is a wish: `batch/planning.py` lowers it to what the site allows."""


def _estimated(partition_key: str | None, assets: Collection[str]) -> Estimated | None:
    """What is known of the phases of a project that are made together; None when nothing is."""
    phases = {asset: phase for asset, phase in PHASES.items() if asset in assets}
    if not phases:
        return None
    try:
        workdir, project = Workdir(Path(os.environ["WORKDIR"])), Project.parse(partition_key or "")
        learned, size = read_learned(workdir, project.group), size_of(workdir, project)
        seconds = {asset: _seconds(learned, size, phase) for asset, phase in phases.items()}
        known = {asset: math.ceil(each) for asset, each in seconds.items() if each is not None}
        is_shared = COMPUTE in phases and size.cloud_format != "CFA"
        cpus = max(CPUS, min(MOST_CPUS, int(size.files) // MANY_FILES)) if is_shared else CPUS
        memory_mib = max(_mib(learned, size, phase) for phase in phases.values())
        return Estimated(known, memory_mib + (cpus if cpus > 1 else 0) * CHILD_MIB, cpus)
    except Exception:  # the run itself reports what is wrong with its project's files
        return None


def _seconds(learned: Learned, size: Size, phase: str) -> float | None:
    """With the margin of what was learned; without that, only a computation is estimated."""
    if known := learned.seconds.get(phase):
        return known.margin * known.predict(estimate(size, phase).seconds_parts)
    if phase != PHASES[COMPUTE]:
        return None
    return max(SAFETY * estimate(size, phase).seconds, LEAST_SECONDS if size.scanned else 60 * _minutes({COMPUTE}, ASSET_JOB))


def _mib(learned: Learned, size: Size, phase: str) -> int:
    parts = estimate(size, phase).memory_parts
    if known := learned.memory.get(phase):
        return max(LEAST_MIB, math.ceil(known.margin * known.predict(parts) / 2**20) + RUN_MIB)
    return max(MEMORY_MIB, math.ceil(sum(parts) / 2**20) if phase == PHASES[COMPUTE] else 0)


def _raised(allocation: Allocation, past: list[PastJob]) -> Allocation:
    """Raised by jobs that made the same assets, newest first: room above what the last success used, twice what was too little."""
    seconds, mib = [allocation.wall_seconds or 0], [allocation.memory_mib or 0]
    last = next((job for job in past if job.succeeded), None)
    if last:
        seconds.append(math.ceil(ROOM * (last.elapsed_seconds or 0)))
        mib.append(math.ceil(ROOM * (last.peak_memory_mib or 0)))
    for job in past:
        if job.cause == "TIMEOUT":
            seconds.append(2 * (job.requested.wall_seconds or 0))
        if job.cause == "OUT_OF_MEMORY":
            mib.append(2 * (job.requested.memory_mib or 0))
    return _sized(max(seconds), max(mib), allocation.cpus or CPUS)


def _sized(seconds: int, memory_mib: int, cpus: int) -> Allocation:
    return Allocation(min(seconds, MOST_SECONDS), min(memory_mib, MOST_MIB), cpus)
