"""What an allocation policy is told of a run: what it is to do, and how earlier jobs about the same partition key ended.

A policy is a function `(Work) -> Allocation`, named in the launcher's settings. It says only what it knows; the rest comes from the
launcher's defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from padocc_dagster.slurm.allocation import Allocation


@dataclass(frozen=True)
class PastJob:
    """A job that has ended: what it was to make, what it asked for, and what became of it."""

    assets: frozenset[str]
    """Asset keys, as Dagster prints them."""
    asked: Allocation
    cause: str
    """How the job ended, in SLURM's word: COMPLETED, OUT_OF_MEMORY, TIMEOUT, …"""
    elapsed_seconds: int | None
    """None when the cluster did not tell."""
    peak_memory_mib: int | None
    succeeded: bool
    """Whether the run did what it was to do; a job can end well whose run has failed."""


@dataclass(frozen=True)
class Work:
    """What a run is to do."""

    partition_key: str | None
    """The run's Dagster partition; None for a run without one, or over several."""
    assets: frozenset[str]
    """Keys of the selected assets, as Dagster prints them; none for a job of ops, or of checks alone."""
    job_name: str
    tags: Mapping[str, str]
    past: tuple[PastJob, ...]
    """Jobs about the same partition key, newest first."""
