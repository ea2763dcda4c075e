"""The folder of a job that hosts many runs: where runs wait, and how each gets to be worked on once.

    <log folder>/hosts/<host id>/
        host.json      what the job is (`Host`)
        job            its id, once SLURM has given one
        pace.json      how many runs have ended in it, and the seconds that they took together
        open/          runs that wait, a file each (`Request`)
        closed/        `open/` after the host has closed: nobody joins, and what is left in it goes to another host
        returned/      runs that the host did not start
        claimed/       runs at work, and those that ended with the host
        done/          runs whose own report says how they ended, until the launcher has recorded it
        cancelled/     names of the runs at work whose end a person has requested

There are no locks: each step is one rename or the removal of one name, of which the file system lets one process succeed. To join is a
rename into `open/`, which fails once that was renamed to `closed/`. Whatever process dies between two steps, a run is in one of these
folders, and its own report (`report.py`), which one job alone can make, keeps it from being worked on twice.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T", "Host", "Request", "Pace")
FOLDERS = ("open", "returned", "claimed", "done", "cancelled")


@dataclass(frozen=True)
class Host:
    """What a host is for. Written once, before its job is submitted."""

    host_id: str
    band: str
    """What its runs have in common (`runs/bands.py`), as text."""
    requested: str
    """The allocation of its job, as text."""
    log: str
    """The job's log; its script and report are beside it."""
    wall_seconds: int
    memory_mib: int
    """Of one run; 0 for no limit."""
    at_once: int
    """Runs at a time."""
    idle_seconds: int
    grace_seconds: int
    """What a cancelled run has to finish."""
    definitions: str
    """The module with the runs' definitions; empty when it is not known."""
    made_at: float = 0.0
    """Seconds since 1970, by the clock of the process that made it."""


@dataclass(frozen=True)
class Request:
    """A run that waits for a host: what the host needs to know of it."""

    run_id: str
    report: str
    """Its own report, the claim to it (`report.py`)."""
    log: str
    wall_seconds: int
    """The most that it may take."""
    handed_on: int = 0
    """How many hosts it waited in that ended before they started it."""


@dataclass(frozen=True)
class Pace:
    """What a host has done."""

    runs: int = 0
    seconds: float = 0.0

    @property
    def mean(self) -> float | None:
        """Seconds a run; None before one has ended."""
        return self.seconds / self.runs if self.runs else None


@dataclass(frozen=True)
class HostFolder:
    path: Path

    @classmethod
    def make(cls, hosts: Path, host: Host) -> Self:
        """Make the folder of a new host, which runs can join from then on."""
        folder, draft = cls(hosts / host.host_id), hosts / f".{host.host_id}"
        for name in FOLDERS:
            (draft / name).mkdir(parents=True)
        (draft / "host.json").write_text(json.dumps(asdict(host), indent=1))
        draft.rename(folder.path)
        return folder

    def host(self) -> Host | None:
        """None when it is not there, or cannot be read."""
        return _read(self.path / "host.json", Host)

    def job_id(self) -> int | None:
        """The id of its job; None while that is not known."""
        try:
            return int((self.path / "job").read_text())
        except (OSError, ValueError):
            return None

    def set_job_id(self, job_id: int) -> None:
        _write(self.path / "job", str(job_id))

    def pace(self) -> Pace:
        return _read(self.path / "pace.json", Pace) or Pace()

    def set_pace(self, pace: Pace) -> None:
        with suppress(OSError):  # it serves to estimate alone
            _write(self.path / "pace.json", json.dumps(asdict(pace)))

    @property
    def is_open(self) -> bool:
        return (self.path / "open").is_dir()

    def runs(self, state: str) -> list[str]:
        """The ids of the runs in one of the folders; those that joined first come first. Empty when there is no such folder."""
        return [name for _, name in sorted(_entries(self.path / state))]

    def request(self, run_id: str, state: str) -> Request | None:
        return _read(self.path / state / run_id, Request)

    def join(self, request: Request) -> bool:
        """Let a run wait here. False when the host has closed."""
        draft = self.path.parent / f".{request.run_id}-{os.urandom(6).hex()}"
        draft.write_text(json.dumps(asdict(request)))
        try:
            draft.rename(self.path / "open" / request.run_id)
        except (FileNotFoundError, NotADirectoryError):
            if not draft.exists():  # NFS repeats a request whose answer was lost, and then finds nothing to rename
                return True
            draft.unlink()
            return False
        return True

    def move(self, run_id: str, start: str, end: str) -> bool:
        """Move a run from one of the folders to another. False when it is not there any more: somebody else has it."""
        return _rename(self.path / start / run_id, self.path / end / run_id)

    def hand_to(self, other: "HostFolder", run_id: str) -> bool:
        """Let a run that waits here wait in another host. False when this one has started it, or the other has closed."""
        return _rename(self.path / "open" / run_id, other.path / "open" / run_id)

    def remove(self, run_id: str, state: str) -> bool:
        """Take a run out of one of the folders. False when it is not there any more."""
        try:
            (self.path / state / run_id).unlink()
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Let nobody join any more."""
        _rename(self.path / "open", self.path / "closed")

    def reopen(self) -> None:
        """Let runs join again."""
        _rename(self.path / "closed", self.path / "open")

    def request_end(self, run_id: str) -> None:
        """Request the end of a run at work."""
        (self.path / "cancelled" / run_id).touch()

    def clear(self) -> None:
        """Remove the folder, in which no run is any more."""
        with suppress(FileNotFoundError):
            gone = self.path.with_name(f".{self.path.name}-gone")
            self.path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def folders(hosts: Path) -> list[HostFolder]:
    """The hosts that have not been settled yet, in no order."""
    return [HostFolder(hosts / name) for _, name in sorted(_entries(hosts))]


def _entries(folder: Path) -> list[tuple[float, str]]:
    """Time and name of what a folder holds, without drafts. Empty when it is not there."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, entry.name))
    return found


def _rename(start: Path, end: Path) -> bool:
    try:
        start.rename(end)
    except (FileNotFoundError, NotADirectoryError):
        return not start.exists() and end.exists() and start.parent.exists()
    return True


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    try:
        draft.write_text(text)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        values = json.loads(path.read_text())
        return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})
    except (OSError, ValueError, TypeError):
        return None
