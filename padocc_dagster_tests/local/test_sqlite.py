"""Dagster's SQLite storages with connections that are kept: the same answers, few connections, none left in a fork."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, sqlite3, sys
from pathlib import Path
from padocc_dagster import dagster_connections
if sys.argv[2] == "kept":
    dagster_connections.keep_sqlite_open()
    dagster_connections.keep_sqlite_open()
import dagster as dg
opened, connect = [], sqlite3.connect
def counted(*args, **kwargs):
    opened.append(str(args[0]))
    return connect(*args, **kwargs)
sqlite3.connect = sqlite3.dbapi2.connect = counted

@dg.asset
def thing():
    return dg.MaterializeResult(metadata={"n": 1})

def messages(run):
    events = [entry for entry in instance.all_logs(run) if entry.dagster_event.event_type_value != "ENGINE_EVENT"]
    return [entry.message.replace(run, "") for entry in events]

def open_databases():
    files = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return sum(str(file.readlink()).endswith(".db") for file in files if file.exists())

home = Path(sys.argv[1])
(home / "dagster.yaml").write_text("telemetry: {enabled: false}")
with dg.DagsterInstance.from_config(str(home)) as instance:
    runs = []
    for _ in range(20):
        runs.append(dg.materialize([thing], instance=instance).run_id)
    found = [instance.get_run_by_id(run).status.value for run in runs]
    events = [messages(run) for run in runs]
    count = len(instance.fetch_materializations(dg.AssetKey("thing"), limit=99).records)
    kept = len(dagster_connections._engines)
dagster_connections.close_sqlite()
answer = {"found": found, "events": events, "count": count, "opened": len(opened), "kept": kept, "left": open_databases()}
print(json.dumps(answer))
"""


def used(folder: Path, how: str) -> dict:
    folder.mkdir()
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder), how], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_kept_connections_give_the_same_answers_with_few_of_them_and_are_closed_in_the_end(tmp_path: Path) -> None:
    kept, plain = used(tmp_path / "kept", "kept"), used(tmp_path / "plain", "plain")
    assert kept["found"] == plain["found"] == ["SUCCESS"] * 20
    assert [len(each) for each in kept["events"]] == [len(each) for each in plain["events"]]
    assert kept["count"] == plain["count"] == 20
    assert kept["opened"] * 10 < plain["opened"]
    assert kept["kept"] <= 16 and kept["left"] == 0
