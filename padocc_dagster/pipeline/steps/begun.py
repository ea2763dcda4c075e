"""What a step under way was asked to do, for the case that it is killed and repeated.

    padocc_dagster/asked/<run>.json     written before the step's first change, removed after its last

Projects that were chosen by where they stand do not stand there any more once the step has begun, and what was changed cannot be seen
any more once it is.
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.steps.step import StepResult

KEPT_SECONDS = 30 * 86400.0
CHOSEN, CHANGED, NOTED = "chosen", "changed", "noted"
"""How far the step has come: its projects are chosen, changed, and what was done is in their histories."""


@dataclass
class Asked:
    """What one run asked for."""

    run: str
    """The run that the record is kept for, and all that repeat it."""
    by: str
    """The run that began it, which names its backfill."""
    result: StepResult
    stage: str = CHOSEN

    def reach(self, workdir: Workdir, stage: str) -> None:
        """Write down how far the step has come."""
        self.stage = stage
        done, not_done = ({str(project): told for project, told in of.items()} for of in (self.result.done, self.result.not_done))
        write_json(_path(workdir, self.run), {"by": self.by, "stage": stage, "done": done, "not_done": not_done})

    def end(self, workdir: Workdir) -> None:
        """Remove the record, and those of long ago that nobody repeated."""
        _path(workdir, self.run).unlink(missing_ok=True)
        for path in _folder(workdir).glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink()


def asked_before(workdir: Workdir, run: str) -> Asked | None:
    """What the run asked for when it was killed; None when it ended, or never began."""
    try:
        value = read_json(_path(workdir, run))
        done, not_done = ({Project.parse(key): told for key, told in value[name].items()} for name in ("done", "not_done"))
        return Asked(run, value["by"], StepResult(done, not_done), value["stage"])
    except (CorruptFileError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _path(workdir: Workdir, run: str) -> Path:
    return _folder(workdir) / f"{run}.json"


def _folder(workdir: Workdir) -> Path:
    return workdir.root / "padocc_dagster" / "asked"
