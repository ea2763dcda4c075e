"""Every call to SLURM: sbatch, squeue, sacct, scontrol, scancel. Nothing else of this package knows these programs.

Argument lists only, a timeout for each call, and answers in one language and time zone. A call is made once: the reconciler's
next look is the retry, so a controller in trouble gets no more calls than a healthy one.
"""

import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from padocc_dagster.slurm.scheduler import remote
from padocc_dagster.slurm.scheduler.answers import SACCT_FIELDS, SQUEUE_FORMAT, parse_sacct, parse_scontrol, parse_squeue
from padocc_dagster.slurm.scheduler.job import Job

PASSED_ON = ("HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SLURM_CONF", "USER")
AT_ONCE = 100
"""Ids in one call: sacct with more than 200 hangs at some sites (parsl#3814)."""
NO_ACCOUNTING = re.compile(r"accounting storage is disabled|AccountingStorageType", re.IGNORECASE)
NO_ANSWER = re.compile(
    r"timed out|unable to contact|connection (refused|reset|rejected|forced closed)|no route to host|network is unreachable|broken pipe|"
    r"zero bytes|socket error|message (send|receive) failure|unexpected message|communication|not responding|munge|authentication|"
    r"temporarily|try again later|please retry|rate limit|too many open files|standby mode|system submissions disabled|"
    r"configuration source|error writing script/environment|slurmdbd",
    re.IGNORECASE,
)
"""Errors after which nobody knows whether the request was carried out, or which pass without help."""
FULL = re.compile(r"(Assoc|QOS)(Grp|Max)SubmitJob|MaxJobCount", re.IGNORECASE)
"""The user, or the cluster, has as many jobs as allowed: a later submission succeeds. sbatch prints the limit's name, above a sentence
that is the same for limits that no waiting helps against: "Job violates accounting/QOS policy (job submit limit, …)"."""


class SlurmError(Exception):
    """A SLURM command did not do what was requested. The message names the command and what it printed."""


class NoAnswerError(SlurmError):
    """SLURM gave no answer: whether it did what was requested is not known."""


class RefusedError(SlurmError):
    """SLURM answered, and refused."""


class NoAccountingError(SlurmError):
    """This cluster keeps no accounting."""


@dataclass(frozen=True)
class Client:
    """SLURM, as its commands show it to this user."""

    timeout_seconds: float = 60.0
    prefix: tuple[str, ...] = ()
    """What stands before each command where another host reaches SLURM: `remote.py`."""

    def submit(self, script: Path, environment: Mapping[str, str]) -> int:
        """Submit a batch script, whose job sees exactly this environment, and return the job's id.

        Raises RefusedError when SLURM will not take it, and NoAnswerError when it may have taken it.
        """
        answer = self._call(["sbatch", "--parsable", "--export=ALL", str(script)], environment)
        found = re.match(r"(\d+)(;\S+)?$", answer.strip().splitlines()[-1] if answer.strip() else "")
        if not found:
            raise NoAnswerError(f"sbatch printed no job id but {answer[:200]!r}")
        return int(found[1])

    def test(self, script: Path) -> str:
        """Ask whether SLURM would take the script; nothing is submitted. Returns what it says of the start. Raises RefusedError."""
        return self._call(["sbatch", "--test-only", str(script)], errors_too=True)

    def queue(self) -> list[Job]:
        """This user's jobs, with those that ended in the last minutes (`MinJobAge` of slurm.conf). Raises NoAnswerError."""
        return self._squeue()

    def find(self, name: str) -> list[Job]:
        """This user's jobs of that name. Raises NoAnswerError, which does not mean that there is none."""
        return [job for job in self._squeue(f"--name={name}") if job.name == name]

    def _squeue(self, *options: str) -> list[Job]:
        user = "--me" if self.prefix else f"--user={pwd.getpwuid(os.getuid()).pw_name}"  # whoever that is on the other host
        mine = [user, "--states=all"]
        try:
            return parse_squeue(self._call(["squeue", "--noheader", *mine, *options, f"--format={SQUEUE_FORMAT}"]))
        except RefusedError as error:
            raise NoAnswerError(str(error)) from None

    def accounting(self, ids: Sequence[int], since: datetime) -> list[Job]:
        """What the accounting says of these jobs, submitted after that time. Raises NoAccountingError and NoAnswerError."""
        found: list[Job] = []
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        for begin in range(0, len(ids), AT_ONCE):
            chunk = ",".join(map(str, ids[begin : begin + AT_ONCE]))
            options = ["--parsable2", "--noheader", "--duplicates", f"--format={SACCT_FIELDS}", "-S", start, "-j", chunk]
            try:
                found += parse_sacct(self._call(["sacct", *options]))
            except RefusedError as error:
                kind = NoAccountingError if NO_ACCOUNTING.search(str(error)) else NoAnswerError
                raise kind(str(error)) from None
        return found

    def show(self, job_id: int) -> Job | None:
        """What the controller remembers of a job; None when it has forgotten it. Raises NoAnswerError."""
        try:
            jobs = parse_scontrol(self._call(["scontrol", "show", "job", "--oneliner", str(job_id)]))
        except RefusedError as error:
            if "invalid job id" in str(error).lower():
                return None
            raise NoAnswerError(str(error)) from None
        return jobs[0] if jobs else None

    def signal(self, job_id: int, name: str) -> None:
        """Send a signal to the job's main process (the batch step). Raises SlurmError."""
        self._call(["scancel", f"--signal={name}", "--batch", str(job_id)])

    def cancel(self, ids: Sequence[int]) -> None:
        """End these jobs, pending or running. Jobs that have ended are passed over. Raises SlurmError."""
        for begin in range(0, len(ids), AT_ONCE):
            self._call(["scancel", "--quiet", *map(str, ids[begin : begin + AT_ONCE])])

    def _call(self, argv: list[str], environment: Mapping[str, str] | None = None, errors_too: bool = False) -> str:
        """Run a command and return what it printed. Raises RefusedError or NoAnswerError."""
        if environment is None:
            environment = {**self.own_environment(), "TZ": "UTC"}
        what = " ".join(argv[:1] if len(argv) < 2 or argv[1].startswith("-") else argv[:3])
        command, own, text = (argv, dict(environment), b"")
        if self.prefix:
            command, own, text = remote.command(self.prefix, argv), remote.own_environment(), remote.sent(environment)
        try:
            done = subprocess.run(command, env=own, input=text, capture_output=True, timeout=self.timeout_seconds)
        except FileNotFoundError:
            raise NoAnswerError(f"{command[0]} is not on PATH ({own.get('PATH', '')}): this host cannot reach SLURM") from None
        except OSError as error:
            raise NoAnswerError(f"{command[0]} cannot be started: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise NoAnswerError(f"{what} did not answer within {self.timeout_seconds:.0f} s") from None
        printed, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode:
            said = " ".join((errors or printed).split()) or f"nothing, and ended with status {done.returncode}"
            unknown = done.returncode < 0 or NO_ANSWER.search(said) or FULL.search(said)
            if self.prefix and done.returncode in (remote.NO_CONNECTION, *remote.NOT_RUN):
                unknown, what = True, f"{shlex.join(self.prefix)} {what}"
            raise (NoAnswerError if unknown else RefusedError)(f"{what}: {said[:1000]}")
        return printed + errors if errors_too else printed

    @staticmethod
    def own_environment() -> dict[str, str]:
        """What the commands need of this process's environment."""
        return {**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, "LC_ALL": "C"}
