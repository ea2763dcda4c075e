"""Dagster's command `dagster` under this Python, with databases kept open: `python -m padocc_dagster.services.code_server api grpc …`."""

from importlib.metadata import entry_points

from padocc_dagster.dagster_connections import keep_sqlite_open

if __name__ == "__main__":
    keep_sqlite_open()
    next(iter(entry_points(group="console_scripts", name="dagster"))).load()()
