"""Dagster runs on one machine, each in a fork of a process that has imported all it needs. In dagster.yaml:

    run_launcher: {module: padocc_dagster.local, class: LocalRunLauncher}
    compute_logs: {module: padocc_dagster.local, class: FileComputeLogManager}

The launcher requests a keeper (`keeper.py`) from the fork server (`fork_server.py`). The keeper forks the run's process, waits for it, and
reports how it ended where the run itself could not. Where no fork server answers, the keeper is a fresh interpreter.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padocc_dagster.local.compute_logs import FileComputeLogManager
    from padocc_dagster.local.launcher import LocalRunLauncher

__all__ = ["FileComputeLogManager", "LocalRunLauncher"]


def __getattr__(name: str) -> Any:
    if name == "LocalRunLauncher":
        from padocc_dagster.local.launcher import LocalRunLauncher

        return LocalRunLauncher
    if name == "FileComputeLogManager":
        from padocc_dagster.local.compute_logs import FileComputeLogManager

        return FileComputeLogManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
