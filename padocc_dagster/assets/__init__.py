"""The software-defined assets: a file each, its docstring is the description in Dagster's UI."""

TEAM = "team:padocc"
GROUP = "padocc"
