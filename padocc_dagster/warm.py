"""A warm process: one that has imported all that a run needs, has done nothing else, and executes each run in a fork of itself.

`preload` makes the process warm. `fork` starts a child that inherits what was imported; in it, `enter` sets the environment of the run
and `execute` carries it out. PADOCC's operations run in further forks, of a process that is as clean (`pipeline/workers/fork_server.py`).

A fork copies the thread that forks and no other, so a lock that another thread holds stays locked in the child for ever, and a connection
would be used by both. `preload` therefore refuses modules that start a thread or open a connection while they are imported.
"""

import ctypes
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

DEFINITIONS = "padocc_dagster.definitions"
WORKERS = "padocc_dagster.pipeline.workers.fork_server"
"""The module whose `load` imports PADOCC. It is imported by name: this module knows Dagster, and launchers know no PADOCC."""
PR_SET_PDEATHSIG = 1


class NotCleanError(Exception):
    """A process has threads or connections, of which forks would get broken copies. The message names them."""


def preload(definitions: str = DEFINITIONS, padocc: bool = True) -> None:
    """Import Dagster, the module with the definitions and, with `padocc`, PADOCC; build the jobs. Takes about 3 s of CPU, once.

    What was imported is then left alone by the garbage collector, so that forks share its memory. Raises NotCleanError when the process
    is not fit for forking afterwards, and what the modules raise.
    """
    from padocc_dagster.dagster_private import load_jobs

    before = connections()
    os.environ["OMP_NUM_THREADS"] = "1"  # or numpy's library of linear algebra starts a thread for each CPU while it is imported
    load_jobs(definitions)
    if padocc:
        importlib.import_module(WORKERS).load()
    if problems := [*threads(), *(connections() - before)]:
        raise NotCleanError(f"the imports of {definitions} left {', '.join(problems)}: a fork would have broken copies of them")
    gc.collect()
    gc.freeze()


def threads() -> list[str]:
    """The threads of this process besides the one that asks, Python's and others'; empty where the system does not show them."""
    try:
        tasks = [Path(f"/proc/self/task/{number}/comm") for number in os.listdir("/proc/self/task") if int(number) != os.getpid()]
        return [f"thread {path.read_text().strip()}" for path in tasks]
    except OSError:
        return []


def connections() -> set[str]:
    """The sockets and pipes that this process holds, as the system names them; empty where it does not show them."""
    found = set()
    try:
        for number in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{number}")
            except OSError:  # the listing's own
                continue
            if target.startswith(("socket:", "pipe:")):
                found.add(target)
    except OSError:
        pass
    return found


def fork(work: Callable[[], int], dies_with_parent: bool = True) -> int:
    """Carry out `work` in a child process that ends with the status that it returns, 1 when it raises. Returns the child's process id.

    The child has the default signal handlers, and gets SIGKILL when this process ends, where the system offers that. Call it from the main
    thread of a process without others.
    """
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))  # or the child might handle one as this process does
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def begin() -> int:
        _begin(parent if dies_with_parent else 0)
        return work()

    _end_with(begin)


def enter(environment: Mapping[str, str], folder: str | None = None) -> None:
    """Make this environment that of the process, and `folder` its working directory. Modules are then also found by its PYTHONPATH."""
    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    for entry in reversed(environment.get("PYTHONPATH", "").split(os.pathsep)):
        if entry and entry not in sys.path:
            sys.path.insert(1, entry)


def execute(run_id: str) -> int:
    """Execute a run of the instance in `DAGSTER_HOME` in this process, as Dagster's own launcher would.

    SIGTERM and SIGINT interrupt it: a run that is being cancelled becomes CANCELED, another one fails and can be retried. A run that is
    finished already is not touched. Returns the exit status: 0 when the run succeeded, 1 when it failed or its end could not be recorded.
    """
    from padocc_dagster.dagster_private import execute_run

    return 0 if execute_run(run_id) else 1


def _begin(parent: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGKILL)


def _end_with(work: Callable[[], int]) -> NoReturn:
    """Do this and end the process: what its parent was about to do is not its own, and what libraries do at an exit may hang."""
    status = 1
    try:
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        os._exit(status)
