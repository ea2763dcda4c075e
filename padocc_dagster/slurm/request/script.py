"""The text of a batch script: a pure function of what a run needs. Nothing is submitted here.

sbatch reads the `#SBATCH` lines itself, up to the first line that is no comment. How one is written: `options.py`.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import print_memory, print_time
from padocc_dagster.slurm.request.options import OptionValue, directive

SET_UP_FAILED = 78
"""The exit status of a job whose set-up failed (EX_CONFIG of sysexits.h)."""


@dataclass(frozen=True)
class BatchRequest:
    """What a job is to be."""

    job_name: str
    comment: str
    allocation: Allocation
    log: Path
    """Gets all that the job prints."""
    folder: Path
    """Where the job starts."""
    set_up: tuple[str, ...]
    """Bash lines that make the environment, used as they are."""
    python: str
    main: tuple[str, ...]
    """The module that is the job's main process, and its arguments."""
    options: tuple[tuple[str, OptionValue], ...] = ()
    """More options of sbatch. `True` gives one without a value, `False` gives none."""


def for_one_run(report: Path, grace_seconds: int, command: tuple[str, ...]) -> tuple[str, ...]:
    """The main process of a job of one run, which the command executes; once cancelled it has so long to finish."""
    return ("padocc_dagster.slurm.node.host", "--report", str(report), "--grace", str(grace_seconds), "--", *command)


def for_many_runs(folder: Path, report: Path) -> tuple[str, ...]:
    """The main process of a job that hosts the runs that wait in a folder."""
    return ("padocc_dagster.slurm.node.warm_host", "--folder", str(folder), "--report", str(report))


def batch_script(request: BatchRequest) -> str:
    """The script. Raises ValueError for a value that a script cannot hold: a newline in a name, say."""
    main = shlex.join([request.python, "-P", "-m", *request.main])
    lines = ["#!/bin/bash", *_directives(request), *_set_up(request.set_up), "export PYTHONUNBUFFERED=1", f"exec {main}"]
    text = "\n".join(lines) + "\n"
    for found in ("\0", "\r\n"):
        if found in text:
            raise ValueError(f"the batch script of {request.job_name} contains {found!r}, which sbatch would refuse: remove it")
    return text


def _directives(request: BatchRequest) -> list[str]:
    wanted = request.allocation
    if not request.log.is_absolute() or "\\" in str(request.log):
        raise ValueError(f"{request.log} cannot be a job's log: give an absolute path without a backslash, which sbatch takes as an escape")
    options: list[tuple[str, OptionValue | None]] = [
        ("job-name", request.job_name),
        ("comment", request.comment),
        ("output", str(request.log).replace("%", "%%")),
        ("open-mode", "append"),
        ("chdir", str(request.folder)),
        ("time", None if wanted.wall_seconds is None else print_time(wanted.wall_seconds)),
        ("mem", None if wanted.memory_mib is None else print_memory(wanted.memory_mib)),
        ("nodes", 1),
        ("ntasks", 1),
        ("cpus-per-task", wanted.cpus),
        ("partition", wanted.partition),
        ("qos", wanted.qos),
        ("account", wanted.account),
        ("no-requeue", True),
    ]
    # The option given last counts, so two lists of nodes have to become one.
    excluded = [*wanted.exclude, *(str(value) for name, value in request.options if name == "exclude")]
    options += [("exclude", ",".join(excluded) or None)]
    options += [(name, value) for name, value in request.options if name != "exclude"]
    options.sort(key=lambda option: option[1] is True)  # sbatch reads what follows an option without a value as that value
    return [directive(name, value) for name, value in options if value is not None and value is not False]


def _set_up(lines: tuple[str, ...]) -> list[str]:
    """Each line in an `eval`, so that one with an open quote or a backslash at its end fails alone.

    Neither `set -u` nor `set -e`: conda's and Environment Modules' own scripts do not bear them.
    """
    made = []
    for number, line in enumerate(lines, 1):
        shown = shlex.quote(f"Line {number} of set_up failed: {line.strip()}")
        made.append(f"eval {shlex.quote(line)} || {{ echo {shown} >&2; exit {SET_UP_FAILED}; }}")
    return made
