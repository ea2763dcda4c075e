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

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import Array, Field, IntSource, Permissive, Shape, StringSource

from padocc_dagster.batch.allocation import TAGS, WORDS, Allocation, AllocationError
from padocc_dagster.batch.policy import Policy, load_policy
from padocc_dagster.slurm.folders import LogFolder
from padocc_dagster.slurm.profile import ProfileError, SiteProfile, read_profile
from padocc_dagster.slurm.request.options import option_problems
from padocc_dagster.slurm.scheduler.remote import prefix_problems
from padocc_dagster.slurm.warm_jobs import FIELD, Warm, read_warm

REQUEST_TAGS = {**TAGS, **{f"slurm/{word}": word for word in WORDS if word != "exclude"}}
"""The run tags by which a person requests something, and the word of an allocation that each gives."""
SIZE_FIELDS = {
    "time": Field(StringSource, is_required=False, description="Wall time as SLURM writes it: 60 (minutes), 01:00:00, 1-00:00:00."),
    "memory": Field(StringSource, is_required=False, description="Memory of the job: 2G, 1500M."),
    "cpus": Field(IntSource, is_required=False, description="CPUs of the job."),
}
SECONDS = {
    "poll_interval_seconds": (60, "How often the queue is read, for all runs together. Admins request 60 or more."),
    "terminate_grace_seconds": (60, "How long a cancelled run may take to end before it is killed."),
    "unreachable_warning_seconds": (600, "When SLURM has not answered for so long, the runs say so in the UI."),
    "command_timeout_seconds": (60, "How long a SLURM command may take to answer."),
}
FIELDS: dict[str, Any] = {
    "partition": Field(StringSource, is_required=False, description="SLURM partition of the jobs. Empty: SLURM's default."),
    "account": Field(StringSource, is_required=False, description="SLURM account. Empty: the user's default account."),
    "qos": Field(StringSource, is_required=False, description="SLURM quality of service. Empty: the account's default."),
    "default_allocation": Field(Shape(SIZE_FIELDS), is_required=False, description="What a run gets of which nothing else is known."),
    "largest_allocation": Field(Shape(SIZE_FIELDS), is_required=False, description="What a run gets at most. The profile may say less."),
    "profile": Field(StringSource, is_required=False, description="A YAML file with the limits of the site's QoS. See deploy/."),
    "allocation_policy": Field(
        StringSource,
        is_required=False,
        description="A function `module:name` that maps a run's `batch.policy.Work` (partition key, assets, past jobs) to an `Allocation`.",
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
    "command_prefix": Field(
        Array(str),
        is_required=False,
        default_value=[],
        description="Words before each SLURM command, [ssh, login1], where only that host reaches the cluster. It must see the same files.",
    ),
    "warm": FIELD,
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
    command_prefix: tuple[str, ...]
    """Before each command of SLURM, where another host reaches it."""
    sbatch_options: tuple[tuple[str, Any], ...]
    warm: Warm | None
    """How a job hosts many runs; None: each run has a job of its own."""
    poll_interval_seconds: int
    terminate_grace_seconds: int
    unreachable_warning_seconds: int
    command_timeout_seconds: int

    def largest_for(self, allocation: Allocation) -> Allocation:
        """The most that a run may get where this allocation would put it."""
        return self.largest.smaller(self.profile.largest(allocation)) if self.profile else self.largest

    def most_jobs(self, band: Allocation) -> int:
        """How many jobs that host runs of this band there may be at a time."""
        of_site = self.profile.most_jobs(band) if self.profile else None
        most = self.warm.most_jobs if self.warm else 0
        return most if of_site is None else min(most, of_site)

    def problems(self, allocation: Allocation) -> list[str]:
        """Why the site would refuse a job with this allocation, a sentence each. None known without a profile."""
        return self.profile.problems(allocation) if self.profile else []

    @property
    def request_tags(self) -> Mapping[str, str]:
        return REQUEST_TAGS


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Check the config of dagster.yaml. Raises SettingsError with every problem."""
    problems: list[str] = []
    default = _allocation(config, "default_allocation", problems, DEFAULT)
    largest = _allocation(config, "largest_allocation", problems, Allocation())
    names = {name: str(config[name]) for name in ("partition", "account", "qos") if config.get(name)}
    where = _requested(names, "", problems)
    profile = None
    if config.get("profile"):
        try:
            profile = read_profile(Path(config["profile"]))
        except (OSError, ProfileError) as error:
            problems.append(f"profile: {error}")
    policy = None
    if config.get("allocation_policy"):
        try:
            policy = load_policy(config["allocation_policy"])
        except ValueError as error:
            problems.append(f"allocation_policy {error}")
    problems += [f"sbatch_options: {problem}" for problem in option_problems(config["sbatch_options"])]
    problems += [f"{name} is {config[name]}: write a number of seconds, 1 at least" for name in SECONDS if config[name] < 1]
    problems += prefix_problems(config["command_prefix"])
    folder = Path(config.get("log_folder") or Path(os.environ.get("DAGSTER_HOME", "."), "slurm"))
    if not folder.is_absolute():
        problems.append(f"log_folder is {str(folder)!r}: write an absolute path, or set DAGSTER_HOME to one")
    warm = read_warm(config.get("warm", True), problems)
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
        command_prefix=tuple(config["command_prefix"]),
        sbatch_options=tuple(sorted(config["sbatch_options"].items())),
        warm=warm,
        **{name: config[name] for name in SECONDS},
    )


DEFAULT = Allocation(wall_seconds=3600, memory_mib=2048, cpus=1)


def _allocation(config: Mapping[str, Any], name: str, problems: list[str], base: Allocation) -> Allocation:
    sizes = {word: str(value) for word, value in (config.get(name) or {}).items()}
    return base.merged(_requested(sizes, f"{name}.", problems))


def _requested(texts: Mapping[str, str], where: str, problems: list[str]) -> Allocation:
    try:
        return Allocation.from_texts({word: (f"{where}{word}", text) for word, text in texts.items()})
    except AllocationError as error:
        problems += error.problems
        return Allocation()
