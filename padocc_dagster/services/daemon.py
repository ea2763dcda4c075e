"""Dagster's command `dagster-daemon` under this Python: `python -m padocc_dagster.services.daemon run`.

The command is public, its module is private, and where pip put the script does not follow from where the interpreter is. Its databases stay
open (`dagster_connections.keep_sqlite_open`).
"""

from importlib.metadata import entry_points

from padocc_dagster.dagster_connections import keep_sqlite_open

if __name__ == "__main__":
    keep_sqlite_open()
    next(iter(entry_points(group="console_scripts", name="dagster-daemon"))).load()()
