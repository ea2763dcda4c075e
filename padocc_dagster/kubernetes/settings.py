"""The launcher's settings in dagster.yaml: those of dagster-k8s's K8sRunLauncher, and these, typed and checked all at once.

run_launcher:
  module: padocc_dagster.kubernetes
  class: KubernetesRunLauncher
  config:
    service_account_name: padocc-dagster-run
    instance_config_map: dagster-instance
    job_image: registry.example.org/padocc-dagster:1
    report_folder: /work/dagster/kubernetes
    allocation_policy: padocc_dagster.allocations:allocation_for
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import Field, IntSource, Shape, StringSource

from padocc_dagster.batch.allocation import TAGS, Allocation, AllocationError
from padocc_dagster.batch.policy import Policy, load_policy

SIZE_FIELDS = {
    "time": Field(StringSource, is_required=False, description="Deadline of the pod: 60 (minutes), 01:00:00, 1-00:00:00."),
    "memory": Field(StringSource, is_required=False, description="Memory of the pod, requested and allowed: 2G, 1500M, of 1024 each."),
    "cpus": Field(IntSource, is_required=False, description="CPUs that the pod requests. It may use more where the node has them."),
}
SECONDS = {
    "request_timeout_seconds": (10, "How long the API server may take to answer a request."),
    "give_up_seconds": (3600, "How long a pod may fail to start for want of an image, a Secret or a volume before its run fails."),
}
FIELDS: dict[str, Any] = {
    "default_allocation": Field(Shape(SIZE_FIELDS), is_required=False, description="What a run gets of which nothing else is known."),
    "largest_allocation": Field(Shape(SIZE_FIELDS), is_required=False, description="What a run gets at most."),
    "allocation_policy": Field(
        StringSource,
        is_required=False,
        description="A function `module:name` that maps a run's `batch.policy.Work` (partition key, assets, past jobs) to an `Allocation`.",
    ),
    "report_folder": Field(
        StringSource,
        is_required=False,
        description="Folder that every pod can write to and the daemon reads. Empty: WORKDIR/dagster/kubernetes.",
    ),
    "python": Field(StringSource, is_required=False, default_value="python", description="The Python of the image."),
    **{name: Field(IntSource, is_required=False, default_value=value, description=text) for name, (value, text) in SECONDS.items()},
}
DEFAULT = Allocation(wall_seconds=3600, memory_mib=2048)


class SettingsError(ValueError):
    """The launcher's settings cannot be used. One sentence for each problem."""


@dataclass(frozen=True)
class Settings:
    """The settings, read and checked."""

    default: Allocation
    largest: Allocation
    policy: Policy | None
    report_folder: Path
    python: str
    request_timeout_seconds: int
    give_up_seconds: int

    def largest_for(self, allocation: Allocation) -> Allocation:
        """The most that a run may get."""
        return self.largest

    def problems(self, allocation: Allocation) -> list[str]:
        """None: only the cluster knows what it refuses."""
        return []

    @property
    def request_tags(self) -> Mapping[str, str]:
        return TAGS

    def report(self, run_id: str) -> Path:
        """The file in which the run's pod says how it goes: one of 256 folders, so that none gets too large."""
        return self.report_folder / run_id[:2] / f"{run_id}.json"


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Check this package's part of the config in dagster.yaml. Raises SettingsError with every problem."""
    problems: list[str] = []
    default = DEFAULT.merged(_allocation(config, "default_allocation", problems))
    largest = _allocation(config, "largest_allocation", problems)
    policy = None
    if config.get("allocation_policy"):
        try:
            policy = load_policy(config["allocation_policy"])
        except ValueError as error:
            problems.append(f"allocation_policy {error}")
    problems += [f"{name} is {config[name]}: write a number of seconds, 1 at least" for name in SECONDS if config[name] < 1]
    folder = Path(config.get("report_folder") or Path(os.environ.get("WORKDIR", "."), "dagster", "kubernetes"))
    if not folder.is_absolute():
        problems.append(f"report_folder is {str(folder)!r}: write an absolute path, or set WORKDIR to one")
    if problems:
        raise SettingsError("run_launcher in dagster.yaml: " + "\n".join(problems))
    seconds = {name: config[name] for name in SECONDS}
    return Settings(default=default, largest=largest, policy=policy, report_folder=folder, python=config["python"], **seconds)


def _allocation(config: Mapping[str, Any], name: str, problems: list[str]) -> Allocation:
    sizes = {word: str(value) for word, value in (config.get(name) or {}).items()}
    try:
        return Allocation.from_texts({word: (f"{name}.{word}", text) for word, text in sizes.items()})
    except AllocationError as error:
        problems += error.problems
        return Allocation()


def literal_passwords(values: Any, where: str = "") -> list[str]:
    """Where values of dagster.yaml hold a password itself: it would be in every pod's arguments. `{env: NAME}` is none."""
    if isinstance(values, Mapping):
        return [found for key, value in values.items() for found in literal_passwords(value, f"{where}.{key}" if where else str(key))]
    if isinstance(values, list):
        return [found for value in values for found in literal_passwords(value, where)]
    last = where.rpartition(".")[2].lower()
    secret = "password" in last or (last.endswith("url") and isinstance(values, str) and "@" in values.partition("://")[2])
    return [where] if secret and isinstance(values, str) and values else []
