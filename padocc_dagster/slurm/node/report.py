"""What a job says of itself: a small JSON file beside its log, which is also the claim that makes a run be worked on by one job only.

It is there when SLURM's accounting is down.
"""

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
ATTEMPTS = 200
"""To read a file that other processes replace."""
NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


@dataclass(frozen=True)
class Report:
    """What is known of the job that works on a run. `ended` is None while it works, and for ever if it could not say more."""

    job_id: int
    """0: some job has claimed the run, and its file does not say which."""
    host: str
    began: datetime
    ended: datetime | None = None
    exit_status: int | None = None
    """Of the command; None when a signal ended it or it never started."""
    signal: int | None = None
    """The signal that ended the command."""
    stop_signal: str | None = None
    """The first signal that requested the job's end: SIGUSR1 is a person's cancelling, SIGTERM is SLURM's."""
    out_of_memory: bool = False
    out_of_time: bool = False
    """The host ended the run, which had used up its own wall time."""
    requeued: bool = False
    """SLURM started the job a second time. That incarnation did nothing."""
    peak_memory_mib: int | None = None
    """The most that one process held; where the job ran out of memory, the most that all held together."""

    @property
    def is_readable(self) -> bool:
        """Whether the file said whose it is."""
        return self.job_id != 0


def claim(path: Path, report: Report) -> bool:
    """Make the file, if no job has made it yet. Of all jobs that ever try, exactly one gets True, on a shared file system too.

    On a full disk the claim counts although it stays empty. Raises OSError when the file cannot be made at all.
    """
    try:
        draft = _draft(path, report)
    except OSError as error:
        if error.errno not in FULL:
            raise
        return _made(path, b"")
    try:
        os.link(draft, path)
        return True
    except OSError as error:
        if _is_same(draft, path):  # NFS repeats a request whose answer was lost, and then says that the name exists
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno not in NO_LINKS | FULL:
            raise
        return _made(path, _text(report))
    finally:
        with suppress(OSError):
            draft.unlink()


def write(path: Path, report: Report) -> bool:
    """Replace the file in one step. False when that is not possible; the file is then as it was."""
    try:
        os.replace(_draft(path, report), path)
    except OSError:
        return False
    return True


def read(path: Path) -> Report | None:
    """The report; None when there is no file. An empty or damaged one is a claim too: `job_id` 0, begun when it was last written.

    Raises OSError when the file system does not answer.
    """
    try:
        written, text = _content(path)
    except FileNotFoundError:
        return None
    try:
        return _parsed(text)
    except (ValueError, TypeError, KeyError):
        return Report(job_id=0, host="", began=datetime.fromtimestamp(written, UTC))


def _content(path: Path) -> tuple[float, bytes]:
    """When the file was written, in seconds since 1970, and what is in it.

    On NFS a file is stale that another process replaces between its opening and its reading: then the new one is opened.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with open(path, "rb") as file:
                return os.fstat(file.fileno()).st_mtime, file.read()
        except OSError as error:
            if error.errno != errno.ESTALE or attempt == ATTEMPTS:
                raise
    raise AssertionError


def _text(report: Report) -> bytes:
    values = {name: _utc(value) if isinstance(value, datetime) else value for name, value in asdict(report).items()}
    return (json.dumps(values, indent=1) + "\n").encode()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _parsed(text: bytes) -> Report:
    values = json.loads(text)
    moments = {name: datetime.fromisoformat(values[name]) for name in ("began", "ended") if values[name] is not None}
    report = Report(**{**values, **moments})
    numbers = (report.exit_status, report.signal, report.peak_memory_mib)
    kinds = [type(report.job_id) is int, isinstance(report.host, str), "began" in moments, isinstance(report.stop_signal, str | None)]
    kinds += [isinstance(number, int | None) for number in numbers]
    if not all(kinds):
        raise TypeError("a value of another type")
    return report


def _draft(path: Path, report: Report) -> Path:
    """A file beside the path with the whole report, on the disk. Leaves nothing when it cannot be written."""
    draft = path.with_name(f".{os.urandom(12).hex()}")
    try:
        _write_new(draft, _text(report))
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    return draft


def _write_new(path: Path, text: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _made(path: Path, text: bytes) -> bool:
    """Make the file where it cannot be linked. Made is claimed, whether the text gets into it or not."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with suppress(OSError):
        os.write(file, text)
    with suppress(OSError):
        os.close(file)
    return True


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
