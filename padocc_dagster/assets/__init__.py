"""The software-defined assets: a file each, its docstring is the description in Dagster's UI."""

TEAM = "team:padocc"
PHASES_GROUP = "projects"
GROUPS_GROUP = "groups"
