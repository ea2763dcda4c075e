"""What a node gathers and prints, run here as a job runs it."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from padocc_dagster.doctor.node import MARK, Facts, facts_in, gather, mark

ROOT = Path(__file__).parents[2]


def test_facts_survive_being_printed_among_other_lines(tmp_path: Path) -> None:
    facts = gather(tmp_path, wrote="y", read={"/a": "x"})
    assert facts_in(f"module loaded\nno newline {MARK}{json.dumps(asdict(facts))}\nbye\n") == facts
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_facts_has_none() -> None:
    assert facts_in("") is None and facts_in(f"{MARK}{{broken\n") is None and facts_in(f'{MARK}{{"host": 1}}') is None


def test_a_folder_that_takes_no_file_has_no_clock() -> None:
    assert gather(Path("/proc")).clock_ahead_seconds is None


def test_a_node_reads_our_mark_and_writes_its_own(tmp_path: Path) -> None:
    facts = run_node(tmp_path, "")
    assert facts.read == {str(tmp_path): "from here"} and mark(tmp_path, "t", "there").read_text() == facts.wrote != ""
    assert (facts.database, facts.database_problem) == ("", "")
    assert (facts.user_id, facts.python) == (os.getuid(), gather(tmp_path).python)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    database = "{hostname: 127.0.0.1, port: 1, db_name: x, username: y, password: {env: DB_PASSWORD}, scheme: postgresql+psycopg2}"
    facts = run_node(tmp_path, f"storage: {{postgres: {{postgres_db: {database}}}}}\n")
    assert "onnection" in facts.database_problem and "hunter2" not in str(facts)


def run_node(folder: Path, settings: str) -> Facts:
    (folder / "dagster.yaml").write_text(settings)
    mark(folder, "t", "here").write_text("from here")
    variables = {"DAGSTER_HOME": str(folder), "PYTHONPATH": str(ROOT), "DB_PASSWORD": "hunter2", "DAGSTER_DISABLE_TELEMETRY": "1"}
    argv = [sys.executable, "-m", "padocc_dagster.doctor.node", "t", str(folder)]
    done = subprocess.run(argv, env={**os.environ, **variables}, capture_output=True, text=True)
    assert "hunter2" not in done.stdout + done.stderr
    facts = facts_in(done.stdout)
    assert done.returncode == 0 and facts is not None, done.stderr
    return facts
