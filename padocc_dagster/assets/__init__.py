"""The software-defined assets: a file each, its docstring is the description in Dagster's UI."""

from collections.abc import Callable
from typing import Any, TypedDict

import dagster as dg

from padocc_dagster.automation import when_upstream_is_ready
from padocc_dagster.partitions import projects


class Shared(TypedDict):
    """What all assets have in common in Dagster's UI."""

    group_name: str
    owners: list[str]


SHARED: Shared = {"group_name": "padocc", "owners": ["team:padocc"]}


def phase_asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """An asset of one phase: a partition for each project, made by itself as soon as its upstream is ready."""
    asset: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        partitions_def=projects, automation_condition=when_upstream_is_ready, **SHARED, **options
    )
    return asset
