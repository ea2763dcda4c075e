"""Group configs: what a person asks for, read from a CSV or a YAML file and checked whole before anything is written.

Knows neither Dagster nor PADOCC's code. Data files are never opened here: their names, kinds and sizes are enough.
"""

from padocc_dagster.selection.again import find_again
from padocc_dagster.selection.config import SUFFIXES, GroupConfig, read_group_config
from padocc_dagster.selection.problems import ConfigRejected, Problem

__all__ = ["SUFFIXES", "ConfigRejected", "GroupConfig", "Problem", "find_again", "read_group_config"]
