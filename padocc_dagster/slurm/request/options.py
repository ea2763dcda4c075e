"""The options of sbatch: which of them a site must not add to its jobs, and how one is written in a batch script.

Whether sbatch knows an option and accepts its value, sbatch says itself (`padocc-dagster doctor` calls `sbatch --test-only`).

In an `#SBATCH` line, words are split at blanks, `'…'` and `"…"` group, `\\` takes the next character as it is (inside quotes too), and a
free `#` ends the line. sbatch expands nothing in it, except `%` in the log's name.
"""

import re
from collections.abc import Mapping

OptionValue = str | int | bool

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
    "no-requeue": "Dagster's run retries do this",
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
    "requeue": "Dagster's run retries do this",
    "signal": "use its terminate_grace_seconds",
    "test-only": "use `padocc-dagster doctor`",
    "time": "use time in its default_allocation, or the run tag slurm/time",
    "time-min": "use time in its default_allocation, or the run tag slurm/time",
    "wait": IS_SUBMITTED,
    "wrap": IS_SUBMITTED,
}
"""What to use in place of an option that the launcher sets."""

LONG_NAME = re.compile(r"[a-z][a-z0-9-]+")
PLAIN = re.compile(r"[A-Za-z0-9_./:=,@%+\[\]-]+")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_VALUE = 4000
"""sbatch before 23.02 copies a word into a buffer of 8192 bytes without looking."""


def option_problems(options: Mapping[str, object]) -> list[str]:
    """What is wrong with further sbatch options, a sentence each. Empty: sbatch can be given all of them."""
    return [problem for name, value in options.items() if (problem := _option_problem(name, value))]


def directive(name: str, value: OptionValue) -> str:
    """The line of a batch script that gives the option. Raises ValueError for a value that it cannot hold."""
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


def _option_problem(name: object, value: object) -> str | None:
    if not isinstance(name, str) or not LONG_NAME.fullmatch(name):
        return f"{name} is not a long option of sbatch: write its name as in `man sbatch`, without the dashes in front, such as constraint"
    if name in SET_BY_LAUNCHER:
        return f"{name} is set by the launcher: {SET_BY_LAUNCHER[name]}"
    if taken := [known for known in SET_BY_LAUNCHER if known.startswith(name)]:  # sbatch accepts abbreviations
        return f"{name} is short for {' or '.join(taken)}, which the launcher sets: write the whole name of another option"
    if not isinstance(value, str | int):
        return f"{name} is {value!r}: write text, a number, true or false"
    try:
        directive(name, value)
    except ValueError as error:
        return f"{name}: {error}"
    return None
