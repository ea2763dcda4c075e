"""Group configs: what a person wants made, read from a CSV or a YAML file and checked whole before anything is written.

Projects are named one by one, or come from a STAC catalogue (`stac/`).

Knows neither Dagster nor PADOCC's code. Data files are never opened here: their names, kinds and sizes are enough.
"""

from padocc_dagster.selection.config import SUFFIXES, GroupConfig, read_group_config, select_again
from padocc_dagster.selection.problems import CatalogueUnreachable, ConfigRejected, Problem
from padocc_dagster.selection.project import find_again

__all__ = [
    "SUFFIXES",
    "CatalogueUnreachable",
    "ConfigRejected",
    "GroupConfig",
    "Problem",
    "find_again",
    "read_group_config",
    "select_again",
]
