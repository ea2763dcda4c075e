"""What the tests of a live instance do again and again: let a run begin, wait for its end, close a SLURM partition."""

from pathlib import Path

import psutil

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm


def partition(live: LiveSlurm, name: str, state: str) -> None:
    live.cluster.command("scontrol", "update", f"PartitionName={name}", f"State={state}")


def gate(live: LiveSlurm, piece: str) -> Path:
    """The file that a piece with `until` waits for."""
    return live.ledger.with_name(f"go on, {piece}")


def launch_and_begin(live: LiveSlurm, piece: str, run_tags: dict[str, str] | None = None) -> tuple[str, int]:
    """A run that works until its gate opens, and its job."""
    run_id = live.launch(piece, run_tags, until=str(gate(live, piece)))
    live.began(piece)
    return run_id, live.job(run_id)


def ended(live: LiveSlurm, run_id: str, attempts: int, status: str = "SUCCESS") -> list[str]:
    """What the events of each attempt say, once the last has that status and its job's end is recorded."""
    runs = live.wait_for_last(run_id, status)
    assert len(runs) == attempts, [(run.status, run.tags.get(tags.CAUSE)) for run in runs]
    recorded(live, runs[-1].run_id)
    return [live.events_text(run.run_id) for run in runs]


def recorded(live: LiveSlurm, run_id: str) -> dict[str, str]:
    """The run's tags, once the end of its job is among them."""
    live.wait(f"the end of the job of {run_id} to be recorded", lambda: live.run(run_id).tags.get(tags.STATE) == tags.ENDED)
    return live.run(run_id).tags


def causes(live: LiveSlurm, run_id: str) -> list[str]:
    return [run.tags[tags.CAUSE] for run in live.family(run_id)]


def worker(live: LiveSlurm, run_id: str) -> psutil.Process:
    """The process that does the run's work, the child of the job's host."""
    started = live.wait(
        "the worker", lambda: [line for line in live.events_text(run_id).splitlines() if line.startswith("Started process")]
    )
    return psutil.Process(int(started[0].rpartition(" ")[2].strip(").")))
