"""PADOCC as Dagster assets. `definitions.py` shows everything on one page; this file stays empty so that workers start fast."""
