"""Which processes belong to a working directory's services, and which of them work for runs."""

from contextlib import suppress

import psutil

from padocc_dagster.local.records import Records
from padocc_dagster.services import processes
from padocc_dagster.services.home import Home


def keepers(home: Home) -> list[psutil.Process]:
    """The keepers of the runs at work on this machine. They pass SIGTERM on to their runs, and end after them."""
    found = []
    for pid in Records(home.root).keepers().values():
        with suppress(psutil.NoSuchProcess):  # its run has just ended
            found.append(psutil.Process(pid))
    return found


def left_over(home: Home, but: int | None = None) -> list[psutil.Process]:
    """All living processes that serve or served this working directory, without the process named, what it started, and runs.

    PADOCC's workers are not among them: they end with the run that they work for (`pipeline/running/call.py`). A run whose worker is
    ended first would write down that its phase failed.
    """
    found = without_runs(home, processes.marked(str(home.root)))
    return [process for process in found if but not in processes.lineage(process)]


def without_runs(home: Home, found: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are neither the keeper of a run nor started by one."""
    spared = {keeper.pid for keeper in keepers(home)}
    return [process for process in found if not spared & processes.lineage(process)]
