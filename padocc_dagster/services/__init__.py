"""Dagster's processes for one working directory, for `padocc-dagster up` and the demo. Knows nothing of PADOCC."""
