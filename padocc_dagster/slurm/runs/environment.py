"""What a job sees of the environment of the process that submits it: a short list of names, never the whole.

The values travel with the submission itself (`sbatch --export=ALL` in exactly this environment), so no password is in a script
or on a command line. Names that dagster.yaml mentions as `{env: NAME}` are included.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from padocc_dagster.slurm.yaml_fields import variables

if TYPE_CHECKING:
    from dagster import DagsterInstance

ALWAYS = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PADOCC_DAGSTER_NO_PROGRESS_MINUTES",  # see pipeline/running/progress.py
    "PATH",
    "PYTHONPATH",
    "SHELL",
    "SLURM_CONF",
    "TZ",
    "USER",
)


def job_environment(instance: "DagsterInstance", more: Iterable[str]) -> dict[str, str]:
    """The environment of a job that works for this instance, with the variables named in `more`."""
    names = {*ALWAYS, *more, *names_in_settings(instance)}
    found = {name: os.environ[name] for name in sorted(names) if name in os.environ}
    return {**found, "DAGSTER_HOME": instance.root_directory, "DAGSTER_DISABLE_TELEMETRY": "1"}


def names_in_settings(instance: "DagsterInstance") -> set[str]:
    """The environment variables that the instance's dagster.yaml mentions."""
    import yaml

    texts = [getattr(part, "config_yaml", None) for part in instance.get_ref()]
    parts = [yaml.safe_load(text) for text in texts if text]
    return set(variables([*parts, instance.get_ref().settings]))
