"""How the services use SQLite: a commit does not wait for the disk."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
import dagster as dg
from padocc_dagster.dagster_connections import keep_sqlite_open
keep_sqlite_open()
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    for storage in (instance.run_storage, instance.schedule_storage):
        with storage.connect() as connection:
            print(connection.exec_driver_sql("PRAGMA journal_mode").scalar(), connection.exec_driver_sql("PRAGMA synchronous").scalar())
"""
NORMAL = "1"


def test_commits_do_not_wait_for_the_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # a process of its own: it changes modules of Dagster
    assert done.stdout.splitlines() == [f"wal {NORMAL}", f"wal {NORMAL}"]
