"""The text of a batch script: a pure function of what a run needs. Nothing is submitted here.

sbatch reads the `#SBATCH` lines itself, up to the first line that is no comment: words are split at blanks, `'…'` and `"…"` group, `\\`
takes the next character as it is (inside quotes too), and a free `#` ends the line. It expands nothing, except `%` in the log's name.
"""

import difflib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.slurm.allocation import Allocation, print_memory, print_time

OptionValue = str | int | bool

KNOWN_OPTIONS = (
    "acctg-freq",
    "bb",
    "begin",
    "constraint",
    "core-spec",
    "cores-per-socket",
    "cpu-freq",
    "deadline",
    "delay-boot",
    "exclude",
    "exclusive",
    "extra-node-info",
    "gpus",
    "gres",
    "gres-flags",
    "hint",
    "licenses",
    "mail-type",
    "mail-user",
    "mcs-label",
    "mem-bind",
    "network",
    "nice",
    "nodelist",
    "oversubscribe",
    "power",
    "prefer",
    "priority",
    "profile",
    "propagate",
    "reservation",
    "sockets-per-node",
    "thread-spec",
    "threads-per-core",
    "tmp",
    "wckey",
)
"""The options of sbatch, by their long names, that a site may add to every job (`man sbatch`, 22.05 to 24.11)."""
NEED_NO_VALUE = ("exclusive", "nice", "oversubscribe", "propagate")

ONE_PROCESS = "a job runs one process on one node, and nothing of that can be changed here"
ITS_FILES = "use its log_folder"
IS_SUBMITTED = "jobs are submitted one by one, at once, and watched"
SET_BY_LAUNCHER = {
    "account": "use its account, or the run tag slurm/account",
    "array": IS_SUBMITTED,
    "chdir": ITS_FILES,
    "clusters": "one launcher serves the cluster of its slurm.conf",
    "comment": "its jobs are found again by that",
    "cpus-per-task": "use cpus in its default_allocation, or the run tag slurm/cpus",
    "dependency": IS_SUBMITTED,
    "error": ITS_FILES,
    "export": "use its environment",
    "export-file": "use its environment",
    "get-user-env": "use its set_up",
    "hold": IS_SUBMITTED,
    "input": "a job reads no input",
    "job-name": "its jobs are found again by that",
    "mem": "use memory in its default_allocation, or the run tag slurm/memory",
    "mem-per-cpu": "use memory in its default_allocation, or the run tag slurm/memory",
    "mem-per-gpu": "use memory in its default_allocation, or the run tag slurm/memory",
    "no-requeue": "a run is repeated by Dagster's run retries",
    "nodes": ONE_PROCESS,
    "ntasks": ONE_PROCESS,
    "ntasks-per-core": ONE_PROCESS,
    "ntasks-per-gpu": ONE_PROCESS,
    "ntasks-per-node": ONE_PROCESS,
    "ntasks-per-socket": ONE_PROCESS,
    "open-mode": ITS_FILES,
    "output": ITS_FILES,
    "parsable": IS_SUBMITTED,
    "partition": "use its partition, or the run tag slurm/partition",
    "qos": "use its qos, or the run tag slurm/qos",
    "quiet": IS_SUBMITTED,
    "requeue": "a run is repeated by Dagster's run retries",
    "signal": "use its terminate_grace_seconds",
    "test-only": "use `padocc-dagster doctor`",
    "time": "use time in its default_allocation, or the run tag slurm/time",
    "time-min": "use time in its default_allocation, or the run tag slurm/time",
    "wait": IS_SUBMITTED,
    "wrap": IS_SUBMITTED,
}
"""What to use in place of an option that the launcher sets."""

SET_UP_FAILED = 78
"""The exit status of a job whose set-up failed (EX_CONFIG of sysexits.h)."""
PLAIN = re.compile(r"[A-Za-z0-9_./:=,@%+\[\]-]+")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_VALUE = 4000
"""sbatch before 23.02 copies a word into a buffer of 8192 bytes without looking."""


@dataclass(frozen=True)
class BatchRequest:
    """What a job is to be."""

    job_name: str
    comment: str
    allocation: Allocation
    log: Path
    """Gets all that the job prints."""
    report: Path
    folder: Path
    """Where the command starts."""
    set_up: tuple[str, ...]
    """Bash lines that make the environment, trusted as they stand."""
    python: str
    command: tuple[str, ...]
    grace_seconds: int
    """What a cancelled run has to finish."""
    options: tuple[tuple[str, OptionValue], ...] = ()
    """More options of sbatch. `True` gives one without a value, `False` gives none."""


def batch_script(request: BatchRequest) -> str:
    """The script. Raises ValueError for a value that cannot stand in one: a newline in a name, say."""
    host = [request.python, "-P", "-m", "padocc_dagster.slurm.host", "--report", str(request.report)]
    host += ["--grace", str(request.grace_seconds), "--", *request.command]
    lines = ["#!/bin/bash", *_directives(request), *_set_up(request.set_up), "export PYTHONUNBUFFERED=1", f"exec {shlex.join(host)}"]
    text = "\n".join(lines) + "\n"
    for found in ("\0", "\r\n"):
        if found in text:
            raise ValueError(f"{found!r} stands in the batch script of {request.job_name}, which sbatch would refuse: remove it")
    return text


def option_problems(options: Mapping[str, object]) -> list[str]:
    """What is wrong with further sbatch options, a sentence each. Empty: all can be given to `batch_script`."""
    return [problem for name, value in options.items() if (problem := _option_problem(name, value))]


def _directives(request: BatchRequest) -> list[str]:
    asked = request.allocation
    if not request.log.is_absolute() or "\\" in str(request.log):
        raise ValueError(f"{request.log} cannot be a job's log: give an absolute path without a backslash, which sbatch takes as an escape")
    options: list[tuple[str, OptionValue | None]] = [
        ("job-name", request.job_name),
        ("comment", request.comment),
        ("output", str(request.log).replace("%", "%%")),
        ("open-mode", "append"),
        ("chdir", str(request.folder)),
        ("time", None if asked.wall_seconds is None else print_time(asked.wall_seconds)),
        ("mem", None if asked.memory_mib is None else print_memory(asked.memory_mib)),
        ("nodes", 1),
        ("ntasks", 1),
        ("cpus-per-task", asked.cpus),
        ("partition", asked.partition),
        ("qos", asked.qos),
        ("account", asked.account),
        ("no-requeue", True),
    ]
    # The option given last counts, so two lists of nodes have to become one.
    excluded = [*asked.exclude, *(str(value) for name, value in request.options if name == "exclude")]
    options += [("exclude", ",".join(excluded) or None)]
    options += [(name, value) for name, value in request.options if name != "exclude"]
    return [_directive(name, value) for name, value in options if value is not None and value is not False]


def _directive(name: str, value: OptionValue) -> str:
    return f"#SBATCH --{name}" if value is True else f"#SBATCH --{name}={_quoted(name, str(value))}"


def _quoted(name: str, value: str) -> str:
    """A value as sbatch reads it back from an `#SBATCH` line."""
    if not value or len(value.encode()) > LONGEST_VALUE or UNPRINTABLE.search(value):
        shown = repr(value[:80])
        raise ValueError(f"{shown} cannot be --{name} of a job: give 1 to {LONGEST_VALUE} bytes without newlines and control characters")
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _set_up(lines: tuple[str, ...]) -> list[str]:
    """Each line in an `eval`, so that one with an open quote or a backslash at its end fails by itself.

    Neither `set -u` nor `set -e`: conda's and Environment Modules' own scripts do not bear them.
    """
    made = []
    for number, line in enumerate(lines, 1):
        shown = shlex.quote(f"Line {number} of set_up failed: {line.strip()}")
        made.append(f"eval {shlex.quote(line)} || {{ echo {shown} >&2; exit {SET_UP_FAILED}; }}")
    return made


def _option_problem(name: object, value: object) -> str | None:
    if name in SET_BY_LAUNCHER:
        return f"{name} is set by the launcher: {SET_BY_LAUNCHER[str(name)]}"
    if name not in KNOWN_OPTIONS:
        near = difflib.get_close_matches(str(name).strip("-").replace("_", "-"), [*KNOWN_OPTIONS, *SET_BY_LAUNCHER], 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return f"{name} is not an option of sbatch that can be given here.{meant} Known are {', '.join(KNOWN_OPTIONS)}"
    if not isinstance(value, str | int):
        return f"{name} is {value!r}: write text, a number, true or false"
    if value is True and name not in NEED_NO_VALUE:
        return f"{name} is true, but it needs a value (`man sbatch`): write it"
    try:
        _directive(str(name), value)
    except ValueError as error:
        return f"{name}: {error}"
    return None
