"""Where no daemon may live: `up` for a short time, again and again, as cron starts it."""

import os
import subprocess
import sys
from pathlib import Path

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home
from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.live.conftest import PATIENCE, Live
from padocc_dagster_tests.live.test_kills import SERIES, all_published, finished_once

MOST = 20


def begin(root: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "padocc_dagster.cli", "up", "-w", str(root), "--until-idle", "--no-web", *options]
    environment = {name: value for name, value in os.environ.items() if name != "WORKDIR"}
    orphaned = dies_with_parent()
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=orphaned)


def test_a_project_is_published_by_several_short_ups_that_leave_the_runs_at_work_alone_and_end_when_nothing_is_left(tmp_path: Path) -> None:
    root = tmp_path / "work"
    ups: list[str] = []
    process = begin(root, "--for", "1")  # its time is over when its services have started
    live = Live(Workdir(root), tmp_path / "sources", 0, process)
    try:
        live.drop("cron", [{"code": "p0", "pattern": live.series("p0", SERIES)}])
        live.wait("the first up", Home(live.workdir).address.exists)
        beside = begin(root, "--for", "20")
        assert "is served already (process " in beside.communicate(timeout=60)[0] and beside.returncode == 0
        while len(ups) < MOST:
            ups.append(process.communicate(timeout=PATIENCE)[0])
            assert process.returncode == 0, ups[-1]
            if all_published(live, "cron") and "Nothing is left to do:" in ups[-1]:
                break
            live.process = process = begin(root, "--for", "60")
        assert len(ups) > 1 and all_published(live, "cron"), ups
        finished_once(live, "cron")
        records = live.instance.get_run_records()
        assert {record.dagster_run.status.value for record in records} == {"SUCCESS"}, "an end of `up` cost a run"
    finally:
        process.kill()
        process.wait()
        if (root / "dagster").exists():
            live.instance.dispose()
