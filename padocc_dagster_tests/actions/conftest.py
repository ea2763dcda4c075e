"""The fixtures of `selected.py`, for every test of a group that was selected from a catalogue."""

from padocc_dagster_tests.actions.selected import place, series

__all__ = ["place", "series"]
