"""Tags of runs, by which what follows them is decided."""

FOLLOWED = "padocc/followed_by_backfill"
"""What such a run materialises, it follows up itself, by a backfill where anything has to follow; automation does not."""

COMMAND_LINE = {"padocc/asked_from": "command line"}
"""A manual step that somebody's own process takes, outside the instance's services."""
