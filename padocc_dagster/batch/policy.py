"""What an allocation policy gets to know of a run: what it will do, and how earlier jobs for the same partition key ended.

A policy is a function `(Work) -> Allocation`, named in the launcher's settings. It returns only what it knows; the launcher's defaults
fill in the rest.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from padocc_dagster.batch.allocation import Allocation


@dataclass(frozen=True)
class PastJob:
    """A job that has ended: what it was to make, what it requested, and how it ended."""

    assets: frozenset[str]
    """Asset keys, as Dagster prints them."""
    requested: Allocation
    cause: str
    """How the job ended, a `causes.Cause`: COMPLETED, OUT_OF_MEMORY, TIMEOUT, …"""
    elapsed_seconds: int | None
    """None when the cluster did not report it."""
    peak_memory_mib: int | None
    succeeded: bool
    """Whether the run succeeded. A job can complete although its run failed."""


@dataclass(frozen=True)
class Work:
    """What a run will do."""

    partition_key: str | None
    """The run's Dagster partition; None for a run without one, or over several."""
    assets: frozenset[str]
    """Keys of the selected assets, as Dagster prints them; none for a job of ops, or of checks alone."""
    job_name: str
    tags: Mapping[str, str]
    past: tuple[PastJob, ...]
    """Jobs for the same partition key, newest first."""


Policy = Callable[[Work], Allocation]


def load_policy(name: str) -> Policy:
    """The policy at `module:function`. Raises ValueError with a sentence when it cannot be loaded or called."""
    module, _, function = name.partition(":")
    try:
        policy = getattr(importlib.import_module(module), function)
    except Exception as error:  # the module is somebody's code
        raise ValueError(f"{name!r} cannot be loaded ({type(error).__name__}: {error}): write module:function") from None
    if not callable(policy):
        raise ValueError(f"{name!r} is {policy!r}: write module:function, with the name of a function")
    found: Policy = policy
    return found
