"""The tests of faults as one command, in an order drawn by a seed, and a table of what became of each kind of fault.

    python -m padocc_dagster_tests.slurm.live.fault_table --seed 3 -n 2     # what follows the seed goes to pytest

`duplicates` are ends after the first and beginnings beyond one for each attempt, `lost` are attempts that are not over, `wrong causes` are
runs for whose attempts the launcher reported other causes than the test made. That no two attempts worked at the same time is a test of
each file (`tally.py`). The command fails when a test fails, or when fewer kinds of faults were made than there should be.
"""

import argparse
import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import job_name
from padocc_dagster_tests.slurm.live import faults as made
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm
from padocc_dagster_tests.slurm.live.faults import BY_LAUNCHER, REFUSED, Faults, Row, fault_of, row_of
from padocc_dagster_tests.slurm.live.mixture import SEED
from padocc_dagster_tests.slurm.live.tally import tally

FILES = (
    "../../live/test_full_disks.py",
    "test_cancelling.py",
    "test_ends.py",
    "test_launching.py",
    "test_lost_processes.py",
    "test_nodes.py",
    "test_outages.py",
    "test_sharing.py",
    "test_sharing_faults.py",
)
PROPERTY = "faults"


def judge(live: LiveSlurm, name: str, faults: Faults, record: Callable[[str, object], None]) -> None:
    """Record what became of all runs of an instance; nothing ran twice, nothing is lost, and each cause is the one that was made."""
    rows = fault_rows(live, faults)
    record(PROPERTY, rows)
    line, twice, lost = tally(live, {piece: fault_of(piece, faults).finishes for piece in pieces(live)})
    record("figure", f"{name}: {line}; {made.figures(rows)}")
    problems = [*twice, *lost, *(f"{row['kind']}: {row['reported']}" for row in rows if row["wrong"])]
    assert not problems, "\n".join(problems)


def pieces(live: LiveSlurm) -> set[str]:
    return {run.tags[tags.PARTITION] for run in live.instance.get_runs()}


def fault_rows(live: LiveSlurm, faults: Faults) -> list[Row]:
    """The rows of all runs of an instance, once the ends of their jobs are recorded."""

    def recorded() -> list[dg.DagsterRun] | None:
        runs = list(live.instance.get_runs())
        return runs if all(not job_of(run) or own(run).get(tags.STATE) == tags.ENDED for run in runs) else None

    families: dict[str, list[dg.DagsterRun]] = defaultdict(list)
    for run in live.wait("the end of each job to be recorded", recorded):
        families[run.root_run_id or run.run_id].append(run)
    found = [sorted(family, key=lambda run: int(run.tags.get(tags.RETRY_NUMBER, 0))) for family in families.values()]
    jobs = {job for family in found for run in family if (job := job_of(run))}
    states = states_of(live, jobs) if jobs else {}
    return [_row(live, family, states, faults) for family in found]


def _row(live: LiveSlurm, family: list[dg.DagsterRun], states: dict[str, dict[str, list[str]]], faults: Faults) -> Row:
    """The row of a run and its retries, oldest first."""
    piece, began = family[0].tags[tags.PARTITION], [run for run in family if job_of(run)]
    said = ", ".join(_said_of(run, states.get(job_of(run), {})) for run in began)
    events = live.events(piece)
    figures = {
        "jobs": len({job_of(run) for run in began}),
        "attempts": len(family),
        "duplicates": max(events["ended"] - 1, 0) + max(events["began"] - len(family), 0),
        "lost": sum(not run.is_finished for run in family),
    }
    return row_of(fault_of(piece, faults), said, ", ".join(map(cause_of, family)), **figures)


def own(run: dg.DagsterRun) -> dict[str, str]:
    """The tags that the launcher wrote for this attempt, and not for the one that it repeats."""
    return dict(tags.own(run.run_id, run.tags))


def job_of(run: dg.DagsterRun) -> str:
    """The id of the attempt's job; empty when it had none."""
    found = own(run).get(tags.JOB_ID, "")
    return found if found.isdigit() else ""


def cause_of(run: dg.DagsterRun) -> str:
    """The cause that the launcher reported for the attempt, and whether it was itself the one who cancelled."""
    cause = own(run).get(tags.CAUSE)
    if cause and (job := job_of(run)) and tags.why_cancelled(run, int(job)):
        return BY_LAUNCHER if cause == made.CANCELLED else f"{cause}, cancelled by the launcher"
    return cause or (REFUSED if run.status is dg.DagsterRunStatus.FAILURE else run.status.value)


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


class Suite:
    """A plugin of pytest that collects the rows of the files' last tests."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.rows += [row for name, rows in report.user_properties if name == PROPERTY for row in rows]


def main() -> int:
    """Run the files in the order of the seed, and return a status that is 0 only if all is as it should be; pytest prints the table."""
    parser = argparse.ArgumentParser(prog="python -m padocc_dagster_tests.slurm.live.fault_table", description="All faults of SLURM.")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the files, and of what is drawn in them")
    options, more = parser.parse_known_args()
    files = [str((Path(__file__).parent / name).resolve()) for name in FILES]
    random.Random(options.seed).shuffle(files)
    os.environ[SEED] = str(options.seed)
    suite = Suite()
    status = int(pytest.main(["-q", "--dist", "loadfile", "--no-loadscope-reorder", *more, *files], plugins=[suite]))
    print(f"seed {options.seed}: {made.figures(suite.rows)}")
    if (kinds := made.count_kinds(suite.rows)) < made.LEAST_KINDS:
        print(f"only {kinds} kinds of faults were made; there should be {made.LEAST_KINDS} at least")
        return status or 1
    return status


if __name__ == "__main__":
    sys.exit(main())
