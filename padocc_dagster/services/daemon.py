"""Dagster's command `dagster-daemon` under this Python: `python -m padocc_dagster.services.daemon run`.

The command is public, its module is private, and where pip put the script does not follow from where the interpreter is.
"""

from importlib.metadata import entry_points

if __name__ == "__main__":
    next(iter(entry_points(group="console_scripts", name="dagster-daemon"))).load()()
