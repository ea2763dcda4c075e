"""Dagster's processes for one working directory, and the instance in its DAGSTER_HOME: for `up`, the demo and the doctor."""
