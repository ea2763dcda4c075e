"""The fault tests of this folder as one command, in an order drawn by a seed, and a table of what became of each run.

    python -m padocc_dagster_tests.slurm.live.fault_table --seed 3 -n 2     # what follows the seed goes to pytest

A row is a run with all its attempts. `duplicates` are ends after the first and beginnings beyond one for each attempt, `lost` are attempts
that are not over. That no two attempts worked at the same time is a test of each file (`tally.py`).
"""

import argparse
import random
import sys
from collections import defaultdict
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import job_name
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm

FILES = (
    "test_cancelling.py",
    "test_ends.py",
    "test_lost_processes.py",
    "test_nodes.py",
    "test_outages.py",
    "test_sharing_faults.py",
)
WIDTHS = (34, 44, 44, 5, 9, 11, 5)


def line(*cells: object) -> str:
    """A row of the table as text."""
    return " ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


HEAD = line("fault", "SLURM reported", "the launcher reported", "jobs", "attempts", "duplicates", "lost")


def fault_rows(live: LiveSlurm) -> list[str]:
    """The rows of all runs of an instance, by the names of their pieces."""
    families: dict[str, list[dg.DagsterRun]] = defaultdict(list)
    for run in live.instance.get_runs():
        families[run.root_run_id or run.run_id].append(run)
    found = [sorted(family, key=lambda run: int(run.tags.get(tags.RETRY_NUMBER, 0))) for family in families.values()]
    jobs = {job for family in found for run in family if (job := job_of(run))}
    states = states_of(live, jobs) if jobs else {}
    return [row_of(live, family, states) for family in sorted(found, key=lambda family: family[0].tags[tags.PARTITION])]


def row_of(live: LiveSlurm, family: list[dg.DagsterRun], states: dict[str, dict[str, list[str]]]) -> str:
    """The row of a run and its retries, oldest first."""
    piece, began = family[0].tags[tags.PARTITION], [run for run in family if job_of(run)]
    said = ", ".join(_said_of(run, states.get(job_of(run), {})) for run in began)
    reported = ", ".join(tags.own(run.run_id, run.tags).get(tags.CAUSE, run.status.value) for run in family)
    events = live.events(piece)
    duplicates = max(events["ended"] - 1, 0) + max(events["began"] - len(family), 0)
    return line(piece, said, reported, len(began), len(family), duplicates, sum(not run.is_finished for run in family))


def job_of(run: dg.DagsterRun) -> str:
    """The id of the attempt's job; empty when it had none."""
    found = tags.own(run.run_id, run.tags).get(tags.JOB_ID, "")
    return found if found.isdigit() else ""


def _said_of(run: dg.DagsterRun, states: dict[str, list[str]]) -> str:
    """What the accounting calls the attempt's job. After a cold start two jobs may have the same id."""
    found = states.get(job_name(run)) or [state for named in states.values() for state in named]
    return "+".join(found) or "unknown"


def states_of(live: LiveSlurm, jobs: set[str]) -> dict[str, dict[str, list[str]]]:
    """What the accounting calls each job, by its id and its name; of a requeued job each incarnation."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    asked = ("sacct", "-D", "-X", "-n", "-P", "-S", "now-1day", "-j", ",".join(sorted(jobs)), "-o", "JobIDRaw,State,JobName")
    for row in live.cluster.command(*asked).splitlines():
        job, state, name = row.split("|", 2)
        found[job][name].append(state)
    return found


def main() -> int:
    """Run the files in the order of the seed; pytest prints the table (`conftest.py`)."""
    parser = argparse.ArgumentParser(prog="python -m padocc_dagster_tests.slurm.live.fault_table", description="All faults of SLURM.")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    options, more = parser.parse_known_args()
    files = [str(Path(__file__).with_name(name)) for name in FILES]
    random.Random(options.seed).shuffle(files)
    return int(pytest.main(["-q", "--dist", "loadfile", "--no-loadscope-reorder", *more, *files]))


if __name__ == "__main__":
    sys.exit(main())
