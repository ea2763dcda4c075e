"""PADOCC's worker, in which a computation waits, the project's lock held, while its gate is closed: the file `WORKDIR/closed/<code>`."""

import time
from typing import Any

from padocc_dagster.pipeline.making import compute as compute_phase
from padocc_dagster.pipeline.workdir import locks
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workers import worker

locks.LEASE_SECONDS = 15.0  # a minute of waiting for a holder that is out of reach is the same story
compute = compute_phase.compute


def compute_behind_its_gate(workdir: Workdir, project: Project, **options: Any) -> dict[str, Any]:
    while (workdir.root / "closed" / project.code).exists():
        time.sleep(0.1)
    return compute(workdir, project, **options)


if __name__ == "__main__":
    compute_phase.compute = compute_behind_its_gate
    worker.main()
