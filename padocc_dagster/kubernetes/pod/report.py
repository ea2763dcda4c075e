"""What a pod says of itself: a small JSON file in a folder that every pod sees. It is also the claim: only one pod works on a run.

It is there when the pod is not: Kubernetes deletes a pod, and all that it knew of its end, when its node is drained.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """What is known of the pod that works on a run. `ended` is None while it works, and for ever if it could not say more."""

    pod: str
    """The pod's uid; empty when the file is damaged."""
    node: str
    began: datetime
    ended: datetime | None = None
    exit_status: int | None = None
    """Of the command; None when a signal ended it or it never started."""
    signal: int | None = None
    """The signal that ended the command."""
    stopped: bool = False
    """The pod was to end before its work was done: Kubernetes sent SIGTERM."""
    peak_memory_mib: int | None = None
    """The most that one process held."""


def claim(path: Path, report: Report) -> bool:
    """Make the file, if no pod has made it yet. Of all pods that ever try, exactly one gets True. Raises OSError when it cannot be made."""
    draft = _draft(path, report)
    try:
        os.link(draft, path)
    except FileExistsError:
        return os.path.samefile(draft, path)  # NFS repeats a request whose answer was lost, and then says that the name exists
    finally:
        with suppress(OSError):
            draft.unlink()
    return True


def write(path: Path, report: Report) -> bool:
    """Replace the file in one step. False when that is not possible; the file is then as it was."""
    try:
        os.replace(_draft(path, report), path)
    except OSError:
        return False
    return True


def read(path: Path) -> Report | None:
    """The report; None when there is no file. A damaged one is a claim too, of a pod that is not known.

    Raises OSError when the file system does not answer.
    """
    try:
        with open(path, encoding="utf-8") as file:
            written, text = os.fstat(file.fileno()).st_mtime, file.read()
    except FileNotFoundError:
        return None
    try:
        values = json.loads(text)
        moments = {name: datetime.fromisoformat(values[name]) for name in ("began", "ended") if values[name]}
        return Report(**{**values, **moments})
    except (ValueError, TypeError, KeyError):
        return Report("", "", datetime.fromtimestamp(written, UTC))


def _draft(path: Path, report: Report) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.urandom(12).hex()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w", encoding="utf-8") as file:
        json.dump(asdict(report), file, default=datetime.isoformat)
        file.flush()
        os.fsync(file.fileno())
    return draft
