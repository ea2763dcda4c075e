"""Where the launcher keeps its files: under one log folder that every host of the cluster sees.

    <log folder>/instance-id           which Dagster instance the jobs belong to; a log folder serves one instance
    <log folder>/queue.json            the last look at the queue, shared by all processes
    <log folder>/locks/                one submission of a run at a time
    <log folder>/<date>/<ab>/<run id>.sh, .log, .json      a run's script, log and report; `ab` begins the run id
    <log folder>/hosts/<host id>/      the runs of a job that hosts many (`node/host_folder.py`); its script, log and report are as a run's

With 256 folders a day and three files a run, a folder stays below 100 000 files up to eight million runs a day.
"""

import os
import time
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".sh", ".log", ".json")


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, or of a job that hosts many."""

    script: Path
    """Of its job, which may be a job for many runs."""
    log: Path

    @property
    def report(self) -> Path:
        """What is said on the node of its beginning and end (`report.py`)."""
        return self.log.with_suffix(".json")


@dataclass(frozen=True)
class LogFolder:
    root: Path

    @property
    def queue(self) -> Path:
        return self.root / "queue.json"

    def lock(self, name: str) -> Path:
        return self.root / "locks" / f"{name[:2]}.lock"

    @property
    def hosts(self) -> Path:
        return self.root / "hosts"

    def files(self, run_id: str, begun: float) -> RunFiles:
        """The files of a run submitted at that time (seconds since 1970, dated in UTC)."""
        log = self.root / time.strftime("%Y-%m-%d", time.gmtime(begun)) / run_id[:2] / f"{run_id}.log"
        return RunFiles(log.with_suffix(".sh"), log)

    def remove(self, before: float, kept: Collection[str]) -> None:
        """Remove scripts, logs and reports of days before that time (seconds since 1970), but for those `kept`: paths without suffixes."""
        last = time.strftime("%Y-%m-%d", time.gmtime(before))
        for day in self.root.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"):
            if day.name >= last:
                continue
            for path in day.glob("*/*"):
                if path.suffix in SUFFIXES and str(path.with_suffix("")) not in kept and path.stat().st_mtime < before:
                    path.unlink(missing_ok=True)
            for folder in (*day.glob("*/"), day):
                with suppress(OSError):  # something is left in it
                    folder.rmdir()

    def instance_id(self) -> str:
        """Which instance the log folder serves: made at the first call, the same for ever after."""
        path = self.root / "instance-id"
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
            draft.write_text(uuid.uuid4().hex[:12])
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()


def last_lines(path: Path, count: int = 20) -> str:
    """The end of a log. Empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
