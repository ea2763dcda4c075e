"""Which launcher the instance has, for sensors that only one launcher needs: Dagster shows no sensor that has nothing to do."""

import os
from pathlib import Path

import yaml


def is_launcher(module: str) -> bool:
    """Whether the run launcher in the dagster.yaml of DAGSTER_HOME is of this module; False where the file cannot be read."""
    try:
        settings = yaml.safe_load(Path(os.environ["DAGSTER_HOME"], "dagster.yaml").read_text(encoding="utf-8"))
        return str(settings["run_launcher"]["module"]).startswith(module)
    except (KeyError, OSError, TypeError, UnicodeDecodeError, yaml.YAMLError):
        return False
