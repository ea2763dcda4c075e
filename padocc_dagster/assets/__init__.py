"""The software-defined assets: a file each, its docstring is the description in Dagster's UI."""

from typing import TypedDict


class Shared(TypedDict):
    """What all assets have in common in Dagster's UI."""

    group_name: str
    owners: list[str]


SHARED: Shared = {"group_name": "pipeline", "owners": ["team:padocc"]}
"""Of the assets of projects."""
OF_GROUPS: Shared = {**SHARED, "group_name": "subsets_and_overview"}
