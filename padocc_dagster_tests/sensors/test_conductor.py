"""The sensor as Dagster evaluates it: what it requests are runs of jobs that it may start."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.definitions import defs
from padocc_dagster.sensors.conductor import conductor
from padocc_dagster_tests.conductor.conducted import Conducted

LONG_AGO = 1.6e9


def test_a_tick_requests_initialisations_and_phases_and_its_cursor_leads_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    with dg.instance_for_test() as instance:
        conducted = Conducted(tmp_path / "work", instance)
        conducted.workdir.inbox.mkdir()
        config = conducted.workdir.inbox / "new.csv"
        config.write_text("x,/data/*.nc,,")
        os.utime(config, (LONG_AGO, LONG_AGO))
        jobs = []
        cursor = None
        for _ in range(2):
            with dg.build_sensor_context(instance, cursor=cursor, repository_def=defs.get_repository_def()) as context:
                found: Any = conductor(context)
            cursor = found.cursor
            jobs.append(sorted(request.job_name or "" for request in found.run_requests or ()))
        assert jobs == [["advance_project", "initialise_group", "refresh_group"]] * 2
        assert {*jobs[0]} < {job.name for job in conductor.jobs}
