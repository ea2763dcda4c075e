"""The state of projects as people see it: from their files, together with what Dagster has under way. Values and text; nothing is changed.

standing.py    each project by its files, with the run that works or waits for it
activity.py    Dagster's runs, as what each does for its project
configs.py     group configs in the inbox that made no project
totals.py      one line about all
table.py       a row for each project
"""

from padocc_dagster.status.standing import Kind, Standing, standings

__all__ = ["Kind", "Standing", "standings"]
