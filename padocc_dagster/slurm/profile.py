"""A site's profile: what each QoS of a cluster lets a job have, read from a YAML file, and what is wrong with an allocation there.

    name: JASMIN LOTUS2
    source: https://help.jasmin.ac.uk/…, as of 2026-03
    required: [account, partition, qos]         # what every job must name; any of the three, none when left out
    default_qos: standard                       # the usual one: its limits hold where an allocation names none
    qos:
      standard: {partitions: [standard], cpus: 1, time: "24:00:00", memory: 128G, jobs: 4000}     # all five may be left out

`deploy/jasmin-lotus2.yaml` is one. A QoS that the profile does not list is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster.batch.allocation import SIZES, WORDS, Allocation
from padocc_dagster.batch.amounts import shown
from padocc_dagster.slurm.yaml_fields import NotRead, is_name, load, mapping, names, text

FIELDS = ("name", "source", "required", "default_qos", "qos")
REQUIRABLE = ("account", "partition", "qos")
LIMITS = ("partitions", *SIZES, "jobs")


class ProfileError(ValueError):
    """A profile that cannot be used. `problems` holds one sentence for each, with the file and the field."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = tuple(f"{path}: {problem}" for problem in problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class QosLimit:
    """What one QoS lets a job have."""

    partitions: tuple[str, ...] | None
    """The SLURM partitions it is for; None for any."""
    largest: Allocation
    """The most wall time, memory and CPUs; None where it sets no limit."""
    jobs: int | None = None
    """The most jobs of a user; None for no limit."""


@dataclass(frozen=True)
class SiteProfile:
    """The limits of one cluster, and where they were read."""

    name: str
    source: str
    required: tuple[str, ...]
    """Of account, partition and qos those that every job must name."""
    default_qos: str | None
    qos: Mapping[str, QosLimit]

    def largest(self, allocation: Allocation) -> Allocation:
        """The most that a job of the allocation's QoS may have, to be given to `Allocation.capped`. Nothing for an unknown QoS."""
        limit = self._limit(allocation)
        return limit.largest if limit else Allocation()

    def most_jobs(self, allocation: Allocation) -> int | None:
        """The most jobs that a user may have in the allocation's QoS. None where no limit is known."""
        limit = self._limit(allocation)
        return limit.jobs if limit else None

    def problems(self, allocation: Allocation) -> list[str]:
        """Why a job with this allocation would be refused at the site, or wait for ever: a sentence each."""
        found = [self._missing(field) for field in self.required if getattr(allocation, field) is None]
        limit = self._limit(allocation)
        if limit is None:
            if allocation.qos is not None:
                known = f"it has {', '.join(self.qos)}" if self.qos else "its profile lists none, so leave the QoS out"
                found.append(f"{self.name} has no QoS {allocation.qos!r}: {known}")
            return found
        qos = allocation.qos or self.default_qos
        wrong = [name for name in (allocation.partition or "").split(",") if name and name not in (limit.partitions or (name,))]
        if wrong:
            right = " or ".join(limit.partitions or ())
            found.append(f"QoS {qos} of {self.name} is not for SLURM partition {', '.join(wrong)}: use partition {right}")
        for word in (WORDS[name] for name in SIZES):
            wanted, most = getattr(allocation, word.field), getattr(limit.largest, word.field)
            if wanted is not None and most is not None and wanted > most:
                amount, at_most = word.print(wanted), word.print(most)
                found.append(f"{word.called} {amount} is more than QoS {qos} of {self.name} allows: request {at_most} at most")
        return found

    def _limit(self, allocation: Allocation) -> QosLimit | None:
        return self.qos.get(allocation.qos or self.default_qos or "")

    def _missing(self, field: str) -> str:
        hint = f", {self.default_qos} for example" if field == "qos" and self.default_qos else ""
        return f"{self.name} wants every job to name its {field}: set {field} in the launcher's config, or the run tag slurm/{field}{hint}"


def read_profile(path: Path) -> SiteProfile:
    """Read a profile. Raises ProfileError with every problem of the file."""
    problems: list[str] = []
    try:
        fields = mapping(load(path), "the file", FIELDS, problems)
    except NotRead as error:
        raise ProfileError(path, [str(error)]) from None
    name, source = (text(fields.get(field), field, problems) for field in ("name", "source"))
    required = names(fields.get("required"), "required", problems) or ()
    unknown = [field for field in required if field not in REQUIRABLE]
    if unknown:
        problems.append(f"required: {', '.join(unknown)} cannot be required: use {', '.join(REQUIRABLE)}")
    qos = {}
    for key, value in mapping(fields.get("qos"), "qos", None, problems).items():
        if is_name(key, "qos", problems):
            qos[key] = _limit_of(value, f"qos.{key}", problems)
    default = fields.get("default_qos")
    if default is not None and default not in list(qos):
        problems.append(f"default_qos: {shown(default)} is not listed in qos: use {' or '.join(qos) or 'one that is'}")
    if problems:
        raise ProfileError(path, problems)
    return SiteProfile(name, source, required, default, qos)


def _limit_of(value: Any, where: str, problems: list[str]) -> QosLimit:
    fields = mapping(value, where, LIMITS, problems)
    partitions = names(fields.get("partitions"), f"{where}.partitions", problems)
    said = {}
    for word in SIZES:
        size = fields.get(word)
        if size is None:
            continue
        if word == "time" and not isinstance(size, str):
            problems.append(f'{where}.time: {shown(size)} is not text: quote it ("24:00:00"), YAML reads it as a number otherwise')
            continue
        try:
            said[WORDS[word].field] = WORDS[word].parse(size if isinstance(size, str) else repr(size))
        except ValueError as error:
            problems.append(f"{where}.{word}: {error}")
    jobs = fields.get("jobs")
    if jobs is not None and (type(jobs) is not int or jobs < 1):
        problems.append(f"{where}.jobs: {shown(jobs)} is not a number of jobs: write 1 or more, or leave it out")
        jobs = None
    return QosLimit(partitions, Allocation(**said), jobs)
