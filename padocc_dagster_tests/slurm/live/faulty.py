"""A Python whose hosts die or err at a named moment, once: `python -P -m padocc_dagster_tests.slurm.live.faulty -P -m MODULE ARGUMENTS…`.

The file FAULT in the environment holds the name of a fault; the process that renames it has it.

    before-report   killed when a run is moved among the claimed, before its report is claimed
    before-fork     killed when the report is claimed, before the run's process begins
    after-fork      killed when the run's process has begun, before its first event
    at-close        killed when `open/` has been renamed
    clock           the time of day is five minutes ahead
"""

import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from padocc_dagster.slurm.node import charge, hosted, report
from padocc_dagster.slurm.node.host_folder import HostFolder

FAULT = "SHARING_FAULT"
AHEAD_SECONDS = 300.0
KILLS = ("before-report", "before-fork", "after-fork", "at-close")


def die(*ignored: Any, **more: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    def replaced(*arguments: Any, **more: Any) -> NoReturn:
        function(*arguments, **more)
        die()

    return replaced


def install(fault: str) -> None:
    """Replace what the fault is about."""
    if fault == "before-report":
        report.claim = lambda path, said, claim=report.claim: claim(path, said) if Path(sys.argv[4]) == path else die()
    elif fault == "before-fork":
        hosted.begin = die
    elif fault == "after-fork":
        hosted.begin = then_die(hosted.begin)
    elif fault == "at-close":
        HostFolder.close = then_die(HostFolder.close)
    elif fault == "clock":
        present, moment = time.time, charge.now
        time.time = lambda: present() + AHEAD_SECONDS
        charge.now = lambda: moment() + timedelta(seconds=AHEAD_SECONDS)


def taken() -> str:
    """The fault that this process has, if any."""
    path = Path(os.environ[FAULT])
    mine = path.with_name(f"{path.name}-{os.getpid()}")
    try:
        path.rename(mine)
    except FileNotFoundError:
        return ""
    return mine.read_text()


if __name__ == "__main__":
    _, module, *arguments = sys.argv[sys.argv.index("-m") :]
    if module.endswith("warm_host"):
        sys.argv = [module, *arguments]
        install(taken())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
