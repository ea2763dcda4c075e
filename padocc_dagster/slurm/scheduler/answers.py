"""The text forms of SLURM's answers: which fields are requested, and how squeue, sacct and scontrol print them. Nothing is called here.

The commands run with TZ=UTC and without SLURM_TIME_FORMAT. A job may have any name and comment, with separators and newlines in them,
and all three print that raw (22.05): so free text must not decide where a row ends. A row that cannot be read is left out.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from padocc_dagster.slurm.scheduler.job import Job, base_state, cancelled_by

MARK = secrets.token_hex(8)
"""Stands around the free text in squeue's rows: new in each process, so that no job's name can contain it."""
SQUEUE_FORMAT = f"{MARK}%A|%T|%V|%S|%e|%M|%N|%u|%r{MARK}%j{MARK}%k{MARK}"
"""For `squeue --noheader --format`. `%A` is a job's own id in arrays and heterogeneous jobs too."""
SACCT_FIELDS = "JobIDRaw,State,ExitCode,Submit,Start,End,ElapsedRaw,MaxRSS,NodeList,User,JobName,JobIDRaw,Comment,JobIDRaw"
"""For `sacct --parsable2 --noheader --duplicates --format`. The id behind each free text marks its end."""

SACCT_ROW = re.compile(
    r"^(?P<key>(?P<id>\d+)(?P<step>\.[^|\n]+)?)\|(?P<state>[^|\n]*)\|(?P<exit>[^|\n]*)\|(?P<submit>[^|\n]*)\|(?P<start>[^|\n]*)"
    r"\|(?P<end>[^|\n]*)\|(?P<elapsed>[^|\n]*)\|(?P<rss>[^|\n]*)\|(?P<nodes>[^|\n]*)\|(?P<user>[^|\n]*)"
    r"\|(?P<name>.*?)\|(?P=key)\|(?P<comment>.*?)\|(?P=key)$",
    re.MULTILINE | re.DOTALL,
)
SCONTROL_HEAD = re.compile(r"JobId=(?P<id>\d+) (?:\w+=\S* )*?JobName=(?P<name>.*)", re.DOTALL)
SCONTROL_BODY = re.compile(
    r" UserId=(?P<user>[^\s()]*)\(\d+\) GroupId=[^=]*\(\d+\) MCS_label=\S* Priority=\S* Nice=\S* Account=\S* QOS=\S* (?:WCKey=\S* )?"
    r"JobState=(?P<state>\S+) Reason=(?P<reason>.*?) Dependency="
)
SCONTROL_COMMENT = re.compile(r" Comment=(.*?) *(?: StdErr=| StdIn=| StdOut=| SubmitLine=| \w+=\S*\s*$|\s*$)", re.DOTALL)
CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")
SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)")
MIB = {"": 2**-20, "K": 2**-10, "M": 1, "G": 2**10, "T": 2**20, "P": 2**30}


def parse_squeue(text: str) -> list[Job]:
    """The jobs in what squeue printed for `SQUEUE_FORMAT`."""
    parts = text.split(MARK)[1:]
    rows = zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=False)
    return _readable(_squeue_job(fields, name, comment) for fields, name, comment, _ in rows)


def parse_sacct(text: str) -> list[Job]:
    """The jobs in what sacct printed for `SACCT_FIELDS`, one for each id: the incarnation that was submitted last.

    The steps' rows give the peak memory, and an end out of memory that the job's own row does not show (nextflow#1285).
    """
    found: dict[int, list[Job]] = {}
    for row in SACCT_ROW.finditer(text):
        seen = found.setdefault(int(row["id"]), [])
        if row["step"] is None:
            seen += _readable([_sacct_job(row)])
        elif seen:
            seen[-1] = _with_step(seen[-1], row["state"], row["rss"])
    return [_last(jobs) for jobs in found.values() if jobs]


def parse_scontrol(text: str) -> list[Job]:
    """The jobs in what `scontrol show job --oneliner` printed. It prints free text raw: request one job, and compare its id.

    A row in which a name or comment imitates the fields of another job is left out.
    """
    records = re.split(r"^(?=JobId=\d+ )", text, flags=re.MULTILINE)
    return _readable(_scontrol_job(record) for record in records if record.strip())


def expand_nodes(text: str) -> tuple[str, ...]:
    """The names in a node list: `n[1-2,7],login` is n1, n2, n7, login. Zeros in front stay. Raises ValueError for a broken range."""
    if text in ("", "(null)", "None assigned", "N/A"):
        return ()
    return tuple(name for part in re.split(r",(?![^\[]*\])", text) for name in _expand(part))


def _readable(jobs: Iterable[Job | None]) -> list[Job]:
    return [job for job in jobs if job is not None]


def _squeue_job(fields: str, name: str, comment: str) -> Job | None:
    try:
        job_id, state, submitted, started, ended, used, nodes, user, reason = fields.split("|", 8)
        job = _job(job_id, state, name, comment, user, submitted, started, ended, nodes)
    except ValueError:
        return None
    return replace(job, elapsed_seconds=_seconds(used), reason=_text(reason))


def _sacct_job(row: re.Match[str]) -> Job | None:
    try:
        job = _job(*row.group("id", "state", "name", "comment", "user", "submit", "start", "end", "nodes"))
    except ValueError:
        return None
    elapsed = int(row["elapsed"]) if row["elapsed"].isdigit() else None
    return replace(_with_exit(job, row["exit"]), elapsed_seconds=elapsed, peak_memory_mib=_mib(row["rss"]))


def _scontrol_job(record: str) -> Job | None:
    head, bodies = SCONTROL_HEAD.match(record), list(SCONTROL_BODY.finditer(record))
    if not head or len(bodies) != 1:
        return None
    body = bodies[0]
    facts, _, free = record[body.end() :].partition(" Command=")
    said = dict(reversed(re.findall(r"([\w/:]+)=(\S*)", facts)))
    comment = SCONTROL_COMMENT.search(free)
    times = [said.get(name, "") for name in ("SubmitTime", "StartTime", "EndTime", "NodeList")]
    try:
        name, written = record[head.start("name") : body.start()], comment[1] if comment else ""
        job = _with_exit(_job(head["id"], body["state"], name, written, body["user"], *times), said.get("ExitCode", ""))
        restarts = int(said.get("Restarts", 0))
    except ValueError:
        return None
    reason = _text(body["reason"].replace("_", " "))
    return replace(job, elapsed_seconds=_seconds(said.get("RunTime", "")), reason=reason, restarts=restarts)


def _job(job_id: str, state: str, name: str, comment: str, user: str, submitted: str, started: str, ended: str, nodes: str) -> Job:
    """What all three report. Raises ValueError when it cannot be read."""
    job = Job(int(job_id), name, _text(comment), user, base_state(state), cancelled_by(state), nodes=expand_nodes(nodes))
    # A job that was cancelled before its start is given that moment as its start by squeue and scontrol.
    began = None if job.is_over and not job.nodes else _moment(started)
    return replace(job, submitted=_moment(submitted), started=began, ended=_moment(ended) if job.is_over else None)


def _with_exit(job: Job, code: str) -> Job:
    """With an `ExitCode` such as `3:0` or `0:9`: exit status and signal."""
    found = re.fullmatch(r"(\d+):(\d+)", code)
    if not found or not job.is_over:
        return job
    number = int(found[2]) or None
    return replace(job, exit_status=None if number else int(found[1]), signal=number)


def _with_step(job: Job, state: str, rss: str) -> Job:
    peak = max(filter(None, (job.peak_memory_mib, _mib(rss))), default=None)
    died = state.startswith("OUT_OF_ME") and job.state in ("COMPLETED", "FAILED")
    return replace(job, peak_memory_mib=peak, state="OUT_OF_MEMORY" if died else job.state)


def _last(jobs: list[Job]) -> Job:
    """The newest incarnation. A job of another name is not one of them: ids are used again after a reset."""
    newest = max(jobs, key=lambda job: job.submitted or datetime.min.replace(tzinfo=UTC))
    return replace(newest, restarts=sum(job.name == newest.name for job in jobs) - 1)


def _expand(part: str) -> list[str]:
    found = re.fullmatch(r"([^\[\]]*)\[([^\[\]]*)\](.*)", part)
    if not found:
        if "[" in part or "]" in part:
            raise ValueError(f"{part!r} is not a list of nodes: expected a form such as n[1-3,7]")
        return [part]
    numbers = []
    for span in found[2].split(","):
        first, _, last = span.partition("-")
        numbers += [f"{number:0{len(first)}d}" for number in range(int(first), int(last or first) + 1)]
    return [f"{found[1]}{number}{rest}" for number in numbers for rest in _expand(found[3])]


def _text(text: str) -> str:
    return "" if text.strip() in ("", "(null)", "None", "N/A", "Unknown") else text


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:  # Unknown, N/A, None, NONE, or nothing
        return None


def _seconds(text: str) -> int | None:
    """Seconds of `[days-][hours:]minutes:seconds`."""
    found = CLOCK.fullmatch(text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _mib(text: str) -> int | None:
    """Mebibytes, rounded up, of `3176K`, `1.5G` or bytes. None for nothing and 0, which SLURM prints when it has not sampled."""
    found = SIZE.fullmatch(text)
    return -int(-float(found[1]) * MIB[found[2]] // 1) or None if found else None
