"""The jobs that SLURM's accounting knows of the instance's runs: a run has one at most."""

import re
from collections import Counter

from padocc_dagster.slurm.runs.tags import MARK, run_of
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm

UNNAMED = "allocation"
"""What sacct calls a job until its record has reached the accounting."""


def jobs(live: LiveSlurm) -> Counter[str]:
    """How many jobs each run has had, by the run's id, once the accounting says that all are over."""
    instance_id = (live.services.home.root / "slurm" / "instance-id").read_text()

    def told() -> Counter[str] | None:
        last = int(re.search(r"NEXT_JOB_ID *= (\d+)", live.cluster.command("scontrol", "show", "config"))[1])
        ids = ",".join(map(str, range(1, last + 1)))  # asked by time, sacct leaves out jobs that were held until they were cancelled
        asked = ("sacct", "-X", "-n", "-P", "-j", ids, "-o", "JobName%100,Comment,State")
        rows = [row.split("|") for row in live.cluster.command(*asked).splitlines()]
        names = tuple(f"{MARK}-{run_id}-" for run_id in submitted(live))  # the comment gets into the accounting at the end
        unfinished = any(name.startswith((*names, UNNAMED)) and state in ("PENDING", "RUNNING") for name, _, state in rows)
        ours = Counter(run_id for _, comment, _ in rows if (run_id := run_of(comment, instance_id)))
        # The accounting lags behind the job: a run that has succeeded had one, whether it is known yet or not.
        unknown = any(not ours[run_id] and _has_succeeded(live, run_id) for run_id in submitted(live))
        return None if unfinished or unknown else Counter({**dict.fromkeys(submitted(live), 0), **ours})

    return live.wait("the accounting to know that every job of this instance is over", told)


def _has_succeeded(live: LiveSlurm, run_id: str) -> bool:
    run = live.run(run_id)
    return run is not None and run.status.value == "SUCCESS"


def submitted(live: LiveSlurm) -> set[str]:
    """The runs for which sbatch was called."""
    return {argv[-1].rpartition("/")[2].removesuffix(".sh") for argv in live.shims.calls("sbatch") if argv[-1].endswith(".sh")}


def wrong_numbers(live: LiveSlurm, refused: int = 0) -> list[str]:
    """Runs that have had more than one job, or none though they were submitted; so many are allowed to have had none."""
    counts = jobs(live)
    none = [run_id for run_id, count in counts.items() if not count]
    found = [f"run {run_id} had {count} jobs" for run_id, count in counts.items() if count > 1]
    return found + ([f"these {len(none)} runs had no job, not {refused}: {none}"] if len(none) != refused else [])
