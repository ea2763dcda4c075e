"""What ran twice and what never ended, counted from the ledger of `load.py`, the jobs' own reports and SLURM's accounting."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

import dagster as dg

from padocc_dagster.slurm.node import report
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm


def tally(live: LiveSlurm, finishes: Mapping[str, bool | None]) -> tuple[str, list[str], list[str]]:
    """A line with the figures, the duplicates and the lost. `finishes` says of pieces whether they must end well, or None for either.

    Those that it does not name must.
    """
    runs = list(live.instance.get_runs())
    lines = [json.loads(line) for line in live.ledger.read_text().splitlines()]
    twice, lost = duplicates(live, runs, lines), _lost(runs, lines, finishes)
    return f"duplicates = {len(twice)}, lost = {len(lost)} over {len(runs)} runs", twice, lost


def duplicates(live: LiveSlurm, runs: list[dg.DagsterRun], lines: list[dict[str, Any]]) -> list[str]:
    """Runs that began or ended more than once, and attempts of one root run that were at work at the same time."""
    found, attempts = [], defaultdict(list)
    for line in lines:
        attempts[line["root"], line["event"]].append(line)
    for (root, event), told in attempts.items():
        if event == "ended" and len(told) > 1:
            found.append(f"{told[0]['piece']} ended {len(told)} times")
        if event == "began" and len({line["run"] for line in told}) < len(told):
            found.append(f"a run of {told[0]['piece']} ({root}) began more than once")
    accounted, reported = _ends(live, {line["job"] for line in lines}), _reported_ends(runs)
    for (_, event), told in attempts.items():
        if event == "began":
            spans = sorted(
                (line["time"], reported.get(line["run"]) or _end_after(line["time"], accounted[line["job"]]), line["job"]) for line in told
            )
            found += [
                f"{told[0]['piece']}: job {b[2]} was at work at {b[0]:.3f}, and job {a[2]} until {a[1]:.3f} ({accounted[a[2]]})"
                for a, b in combinations(spans, 2)
                if b[0] < a[1]
            ]
    return found


def _reported_ends(runs: list[dg.DagsterRun]) -> dict[str, float]:
    """When each run's worker ended, by its host. For a failed node SLURM tells when it gave the job up, be the worker dead or not."""
    told = {run.run_id: report.read(files.report) for run in runs if (files := files_of(run))}
    return {run_id: said.ended.timestamp() for run_id, said in told.items() if said and said.ended}


def _end_after(began: float, ends: list[float]) -> float:
    """When that incarnation of the job ended. SLURM has whole seconds, cut, and for a job that its controller forgot an end that may lie
    before the work began: then that is all that is known."""
    return min((end for end in ends if end >= int(began)), default=max(ends, default=float("inf")))


def _ends(live: LiveSlurm, jobs: Collection[str]) -> dict[str, list[float]]:
    """The ends of each job's incarnations, in seconds since 1970, once the accounting knows all."""
    asked = ("sacct", "-D", "-X", "-n", "-P", "-S", "now-1day", "-j", ",".join(jobs), "-o", "JobIDRaw,End")

    def told() -> dict[str, list[float]] | None:
        ends = defaultdict(list)
        for row in live.cluster.command("env", "SLURM_TIME_FORMAT=%s", *asked).split():
            job, _, end = row.partition("|")
            ends[job] += [float(end)] if end.isdigit() else []
        return ends if all(ends[job] for job in jobs) else None

    return live.wait("the accounting to know every job's end", told)


def _lost(runs: list[dg.DagsterRun], lines: list[dict[str, Any]], finishes: Mapping[str, bool | None]) -> list[str]:
    """Runs that are not over, and pieces that did not end though they should, or did though they should not."""
    ended = {line["piece"] for line in lines if line["event"] == "ended"}
    found = [f"run {run.run_id} of {run.tags[tags.PARTITION]} is {run.status.value}" for run in runs if not run.is_finished]
    wrong = {piece for piece in (run.tags[tags.PARTITION] for run in runs) if finishes.get(piece, True) not in (None, piece in ended)}
    return found + [f"{piece} {'ended' if piece in ended else 'never ended'}" for piece in wrong]
