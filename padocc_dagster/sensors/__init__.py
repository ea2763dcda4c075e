"""The sensors, and the schedule of selections: what Dagster evaluates to find work."""
