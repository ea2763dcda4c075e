"""The log folder is emptied of what is old and belongs to no run that is kept."""

import os
import time
from pathlib import Path

from padocc_dagster.slurm.folders import LogFolder

DAY = 24 * 3600.0


def test_files_of_old_jobs_are_removed_but_for_those_of_runs_that_are_kept(tmp_path: Path) -> None:
    folder, now = LogFolder(tmp_path), time.time()
    ages = {"a1": 200, "a2": 200, "b1": 150, "c1": 10}
    logs = {name: folder.files(name, now - days * DAY).log for name, days in ages.items()}
    for name, log in logs.items():
        log.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".sh", ".log", ".json"):
            log.with_suffix(suffix).write_text(name)
            os.utime(log.with_suffix(suffix), (now - ages[name] * DAY,) * 2)
    (tmp_path / "queue.json").write_text("{}")
    (tmp_path / "hosts" / "h").mkdir(parents=True)
    logs["a2"].write_text("written to lately")
    folder.remove(now - 90 * DAY, {str(logs["b1"].with_suffix(""))})
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"queue.json", "a2.log", "b1.sh", "b1.log", "b1.json", "c1.sh", "c1.log", "c1.json"}
    assert not logs["a1"].exists() and (tmp_path / "hosts" / "h").is_dir()
    os.utime(logs["a2"], (now - 200 * DAY,) * 2)
    folder.remove(now - 90 * DAY, {str(logs["b1"].with_suffix(""))})
    assert not logs["a2"].parent.parent.exists()
