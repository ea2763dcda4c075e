"""A SLURM of a few files: programs on PATH that answer as the real ones do, of jobs that a test makes, changes and takes away.

They stand at the edge, where a process is started; `answers.py` reads what they print. Each call is written down.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")
PROGRAM = r"""#!{python} -SE
import fcntl, json, os, sys, time
folder, name, argv = {folder!r}, {name!r}, sys.argv[1:]
lock = open(folder + "/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
with open(folder + "/calls", "a") as calls:
    calls.write(json.dumps({{"name": name, "argv": argv, "environment": dict(os.environ)}}) + "\n")
jobs = json.load(open(folder + "/jobs.json"))
answer = folder + "/" + name + ".answer"
told = json.load(open(answer)) if os.path.exists(answer) else {{}}
if told.get("once"):
    os.remove(answer)
if told.get("seconds"):
    fcntl.flock(lock, fcntl.LOCK_UN)
    time.sleep(told["seconds"])
if told and not told.get("after"):
    sys.stdout.write(told["stdout"]); sys.stderr.write(told["stderr"]); sys.exit(told["status"])
option = lambda word: next((a.partition("=")[2] for a in argv if a.startswith("--" + word + "=")), None)
def squeue():
    form = option("format")
    mark = form[: form.index("%")]
    for j in jobs:
        if j["queued"] and option("name") in (None, j["name"]):
            row = [str(j["job_id"]), j["state"], j["submitted"], j["started"], j["ended"], "0:31", j["nodes"], "root", j["reason"]]
            print(mark + "|".join(row) + mark + j["name"] + mark + (j["comment"] or "(null)") + mark)
def sacct():
    ids = argv[argv.index("-j") + 1].split(",")
    for j in jobs:
        if j["accounted"] and str(j["job_id"]) in ids:
            state = j["accounted"] if isinstance(j["accounted"], str) else j["state"]
            for key, rss, what in ((str(j["job_id"]), "", j["name"]), (str(j["job_id"]) + ".batch", j["peak"], "batch")):
                fields = [key, state, j["exit"], j["submitted"], j["started"], j["ended"], "31", rss, j["nodes"], "root", what, key]
                print("|".join([*fields, j["comment"], key]))
def scontrol():
    for j in jobs:
        if j["remembered"] and str(j["job_id"]) == argv[-1]:
            print(
                "JobId={{job_id}} JobName={{name}} UserId=root(0) GroupId=root(0) MCS_label=N/A Priority=1 Nice=0 Account=demo QOS=normal "
                "JobState={{state}} Reason={{reason}} Dependency=(null) Requeue=0 Restarts=0 BatchFlag=1 Reboot=0 ExitCode={{exit}} "
                "RunTime=00:00:31 TimeLimit=01:00:00 TimeMin=N/A SubmitTime={{submitted}} StartTime={{started}} EndTime={{ended}} "
                "Partition=main NodeList={{nodes}} Command=/script WorkDir=/ Comment={{comment}} StdErr=/log".format(**j)
            )
            return
    sys.exit("slurm_load_jobs error: Invalid job id specified")
def sbatch():
    lines = [line.split("=", 1) for line in open(argv[-1]) if line.startswith("#SBATCH --")]
    said = {{words[0].removeprefix("#SBATCH --"): words[1].strip().strip('"') for words in lines if len(words) == 2}}
    number = max([j["job_id"] for j in jobs], default=100) + 1
    jobs.append(dict({job!r}, job_id=number, name=said["job-name"], comment=said["comment"]))
    print(number)
def scancel():
    for j in jobs:
        if str(j["job_id"]) in argv and not any(a.startswith("--signal") for a in argv):
            j.update(state="CANCELLED", ended="2026-11-23T03:20:00", reason="None")
globals()[name]()
with open(folder + "/jobs.draft", "w") as draft:
    json.dump(jobs, draft)
os.replace(folder + "/jobs.draft", folder + "/jobs.json")
if told:
    sys.stderr.write(told["stderr"])
    sys.exit(told["status"])
"""


@dataclass
class Made:
    """One job, as the programs show it."""

    job_id: int
    name: str
    comment: str
    state: str = "PENDING"
    submitted: str = "2026-11-23T03:06:28"
    started: str = "N/A"
    ended: str = "N/A"
    nodes: str = ""
    reason: str = "Priority"
    exit: str = "0:0"
    peak: str = "3176K"
    queued: bool = True
    """squeue shows it."""
    remembered: bool = True
    """scontrol shows it."""
    accounted: bool | str = True
    """sacct shows it; a text: in that state."""


class Pretended:
    """The programs, in a folder to stand first on PATH, and what they know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "jobs.json").write_text("[]")
        new = asdict(Made(0, "", ""))
        for name in COMMANDS:
            path = folder / name
            path.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), name=name, job=new))
            path.chmod(0o755)

    @contextmanager
    def _locked(self) -> Iterator[list[dict[str, Any]]]:
        """The jobs, to be changed."""
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            jobs = json.loads((self.folder / "jobs.json").read_text())
            yield jobs
            (self.folder / "jobs.json").write_text(json.dumps(jobs))

    def add(self, job_id: int, name: str, comment: str, **more: Any) -> int:
        with self._locked() as jobs:
            jobs.append(asdict(Made(job_id, name, comment, **more)))
        return job_id

    def change(self, job_id: int, **changes: Any) -> None:
        with self._locked() as jobs:
            for job in jobs:
                job.update(changes if job["job_id"] == job_id else {})

    def start(self, job_id: int) -> None:
        self.change(job_id, state="RUNNING", started="2026-11-23T03:07:00", nodes="n1", reason="None")

    def end(self, job_id: int, state: str, **changes: Any) -> None:
        """The job has ended; the queue's memory of it is over."""
        times = {"started": "2026-11-23T03:07:00", "ended": "2026-11-23T03:07:31"}
        self.change(job_id, **{"state": state, **times, "nodes": "n1", "reason": "None", "queued": False, "remembered": False, **changes})

    def jobs(self) -> list[dict[str, Any]]:
        with self._locked() as jobs:
            return jobs

    def answer(self, name: str, stderr: str = "", status: int = 1, stdout: str = "", once: bool = False, **more: Any) -> None:
        """What a command does from now on: print this, and with `after=True` do its work before; `seconds` is how long it takes."""
        told = {"stdout": stdout, "stderr": stderr, "status": status, "once": once, **more}
        (self.folder / f"{name}.answer").write_text(json.dumps(told))

    def recover(self, *names: str) -> None:
        for name in names or COMMANDS:
            (self.folder / f"{name}.answer").unlink(missing_ok=True)

    def fall_silent(self) -> None:
        """The controller is down."""
        for name in ("sbatch", "squeue", "scontrol", "scancel"):
            self.answer(name, f"{name}: error: Unable to contact slurm controller (connect failure)")

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The calls of a command: `argv` and `environment`."""
        path = self.folder / "calls"
        calls = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [call for call in calls if call["name"] == name]


def forget_look(queue: Path, seconds: float = 10_000) -> None:
    """Let the last look at the queue, and all that was missed then, be so much older: the next look asks SLURM."""
    kept = json.loads(queue.read_text())
    written = queue.stat().st_mtime - seconds
    kept["missing"] = {job: moment - seconds for job, moment in kept["missing"].items()}
    if kept["silent_since"] is not None:
        kept["silent_since"] -= seconds
    queue.write_text(json.dumps(kept))
    os.utime(queue, (written, written))
