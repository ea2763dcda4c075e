"""How many CPUs one phase of one project may use."""

import os
from collections.abc import Mapping

SETTING = "PADOCC_DAGSTER_CPUS"
"""For runs on this machine: a number of CPUs; `auto`, which is meant where it is not set, for as many as are idle."""


def cpus_for(requested: Mapping[str, int] | None) -> int:
    """The CPUs that the run's job requested, one where it left that open; on one machine, where there is no job, those of the setting.

    What is idle is read from the load of the last minute, in which the run itself counts for one: so several runs at once take one each.
    Raises ValueError where the setting is no number.
    """
    if requested is not None:
        return requested.get("cpus", 1)
    text = os.environ.get(SETTING, "auto")
    if text == "auto":
        usable = len(os.sched_getaffinity(0))
        return max(1, min(usable, int(usable + 1.5 - os.getloadavg()[0])))
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"{SETTING} is {text!r}: set it to a number of CPUs, or to auto for as many as are idle")
    return int(text)
