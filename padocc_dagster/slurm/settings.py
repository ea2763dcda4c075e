"""The launcher's settings in dagster.yaml: typed, each with its description, checked all at once.

run_launcher:
  module: padocc_dagster.slurm
  class: SlurmRunLauncher
  config:
    partition: standard
    account: {env: SLURM_ACCOUNT}
    qos: standard
    profile: /sw/padocc/deploy/jasmin-lotus2.yaml
    allocation_policy: padocc_dagster.allocations:allocation_for
"""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import Array, Field, IntSource, Permissive, Shape, StringSource

from padocc_dagster.slurm.allocation import Allocation, AllocationError
from padocc_dagster.slurm.folders import LogFolder
from padocc_dagster.slurm.options import option_problems
from padocc_dagster.slurm.profile import ProfileError, SiteProfile, read_profile
from padocc_dagster.slurm.work import Work

Policy = Callable[[Work], Allocation]
SIZES = {
    "time": Field(StringSource, is_required=False, description="Wall time as SLURM writes it: 60 (minutes), 01:00:00, 1-00:00:00."),
    "memory": Field(StringSource, is_required=False, description="Memory of the job: 2G, 1500M."),
    "cpus": Field(IntSource, is_required=False, description="CPUs of the job."),
}
SECONDS = {
    "poll_interval_seconds": (60, "The queue is asked once in so many seconds, for all runs together. Admins ask for 60 or more."),
    "terminate_grace_seconds": (60, "How long a cancelled run may take to end by itself before it is killed."),
    "unreachable_warning_seconds": (600, "When SLURM has not answered for so long, the runs say so in the UI."),
    "command_timeout_seconds": (60, "How long a SLURM command may take to answer."),
}
FIELDS: dict[str, Any] = {
    "partition": Field(StringSource, is_required=False, description="SLURM partition of the jobs. Empty: SLURM's default."),
    "account": Field(StringSource, is_required=False, description="SLURM account. Empty: the user's default account."),
    "qos": Field(StringSource, is_required=False, description="SLURM quality of service. Empty: the account's default."),
    "default_allocation": Field(Shape(SIZES), is_required=False, description="What a run gets of which nothing else is known."),
    "largest_allocation": Field(Shape(SIZES), is_required=False, description="What a run gets at most. The profile may say less."),
    "profile": Field(StringSource, is_required=False, description="A YAML file with the limits of the site's QoS. See deploy/."),
    "allocation_policy": Field(
        StringSource,
        is_required=False,
        description="A function `module:name` that maps a run's `work.Work` (partition key, assets, past jobs) to an `Allocation`.",
    ),
    "set_up": Field(
        Array(str), is_required=False, default_value=[], description="Bash lines that make the job's environment: module load …"
    ),
    "python": Field(StringSource, is_required=False, description="The Python of the jobs. Empty: the one that submits."),
    "environment": Field(
        Array(str),
        is_required=False,
        default_value=[],
        description="Names of environment variables passed on to the jobs, beside PATH, HOME, DAGSTER_HOME and those in dagster.yaml.",
    ),
    "log_folder": Field(
        StringSource, is_required=False, description="Folder of scripts and logs, seen by every host. Empty: DAGSTER_HOME/slurm."
    ),
    "sbatch_options": Field(Permissive(), is_required=False, default_value={}, description="More options of sbatch: {constraint: intel}."),
    **{name: Field(IntSource, is_required=False, default_value=value, description=text) for name, (value, text) in SECONDS.items()},
}


class SettingsError(ValueError):
    """The launcher's settings cannot be used. One sentence for each problem."""


@dataclass(frozen=True)
class Settings:
    """The settings, read and checked."""

    default: Allocation
    largest: Allocation
    profile: SiteProfile | None
    policy: Policy | None
    set_up: tuple[str, ...]
    python: str
    environment: tuple[str, ...]
    log_folder: LogFolder
    sbatch_options: tuple[tuple[str, Any], ...]
    poll_interval_seconds: int
    terminate_grace_seconds: int
    unreachable_warning_seconds: int
    command_timeout_seconds: int

    def largest_for(self, allocation: Allocation) -> Allocation:
        """The most that a run may get where this allocation would put it."""
        if not self.profile:
            return self.largest
        return _smaller(self.largest, self.profile.largest(allocation))


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Check the config of dagster.yaml. Raises SettingsError with every problem."""
    problems: list[str] = []
    default = _allocation(config, "default_allocation", problems, DEFAULT)
    largest = _allocation(config, "largest_allocation", problems, Allocation())
    names = {name: str(config[name]) for name in ("partition", "account", "qos") if config.get(name)}
    where = _said(names, "", problems)
    profile = None
    if config.get("profile"):
        try:
            profile = read_profile(Path(config["profile"]))
        except (OSError, ProfileError) as error:
            problems.append(f"profile: {error}")
    policy = _policy(config.get("allocation_policy"), problems)
    problems += [f"sbatch_options: {problem}" for problem in option_problems(config["sbatch_options"])]
    problems += [f"{name} is {config[name]}: write a number of seconds, 1 at least" for name in SECONDS if config[name] < 1]
    folder = Path(config.get("log_folder") or Path(os.environ.get("DAGSTER_HOME", "."), "slurm"))
    if not folder.is_absolute():
        problems.append(f"log_folder is {str(folder)!r}: write an absolute path, or set DAGSTER_HOME to one")
    default = default.merged(where)
    if profile and not problems:
        problems += [f"profile {config['profile']}: {problem}" for problem in profile.problems(default)]
    if problems:
        raise SettingsError("run_launcher in dagster.yaml: " + "\n".join(problems))
    return Settings(
        default=default,
        largest=largest,
        profile=profile,
        policy=policy,
        set_up=tuple(config["set_up"]),
        python=config.get("python") or sys.executable,
        environment=tuple(config["environment"]),
        log_folder=LogFolder(folder),
        sbatch_options=tuple(sorted(config["sbatch_options"].items())),
        **{name: config[name] for name in SECONDS},
    )


DEFAULT = Allocation(wall_seconds=3600, memory_mib=2048, cpus=1)


def _allocation(config: Mapping[str, Any], name: str, problems: list[str], base: Allocation) -> Allocation:
    return base.merged(_said({field: str(value) for field, value in (config.get(name) or {}).items()}, f"{name}.", problems))


def _said(texts: Mapping[str, str], where: str, problems: list[str]) -> Allocation:
    try:
        return Allocation.from_tags({f"slurm/{field}": text for field, text in texts.items()})
    except AllocationError as error:
        problems += [problem.replace("run tag slurm/", where, 1) for problem in error.problems]
        return Allocation()


def _policy(name: str | None, problems: list[str]) -> Policy | None:
    if not name:
        return None
    module, _, function = name.partition(":")
    try:
        policy = getattr(importlib.import_module(module), function)
    except Exception as error:  # the module is somebody's code
        problems.append(f"allocation_policy {name!r} cannot be loaded ({type(error).__name__}: {error}): write module:function")
        return None
    if not callable(policy):
        problems.append(f"allocation_policy {name!r} is {policy!r}: write module:function, with the name of a function")
        return None
    found: Callable[[Work], Allocation] = policy
    return found


def _smaller(one: Allocation, other: Allocation) -> Allocation:
    """For each of wall time, memory and CPUs the smaller of what they say."""
    names = ("wall_seconds", "memory_mib", "cpus")
    said = {name: [value for value in (getattr(one, name), getattr(other, name)) if value is not None] for name in names}
    return Allocation(**{name: min(values) for name, values in said.items() if values})
