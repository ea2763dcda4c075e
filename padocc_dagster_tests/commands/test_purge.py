"""purge: a dry run unless it is to go on."""

import os
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.conductor import purging
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home
from padocc_dagster_tests.commands.conftest import Command


def test_old_runs_are_counted_and_removed_only_with_go(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(Workdir(tmp_path))
    home.prepare()
    monkeypatch.setenv("DAGSTER_HOME", str(home.root))
    with dg.DagsterInstance.from_config(str(home.root)) as instance:

        @dg.job
        def watch() -> None: ...

        for _ in range(3):
            watch.execute_in_process(instance=instance)
        assert (
            "0 run(s) that ended more than 1 days ago would be removed"
            in command(home.workdir, "purge", "--older-than", "1d", why=None).output
        )
        now = purging.time.time()
        monkeypatch.setattr(purging.time, "time", lambda: now + 2 * purging.DAY)
        shown = command(home.workdir, "purge", "--older-than", "1d", why=None).output
        assert "3  watch\n3 run(s) that ended more than 1 days ago would be removed" in shown and "Nothing was changed" in shown
        assert instance.get_runs_count() == 3
        assert (
            "3 run(s) that ended more than 1 days ago removed"
            in command(home.workdir, "purge", "--older-than", "1d", "--go", why=None).output
        )
        assert instance.get_runs_count() == 0


def test_an_age_that_is_none_and_a_folder_without_an_instance_are_refused(tmp_path: Path, command: Command) -> None:
    refused = command(Workdir(tmp_path), "purge", "--older-than", "soon", why=None)
    assert refused.exit_code == 1 and "'soon' is no age: write a number of days, as in 90d" in refused.output
    refused = command(Workdir(tmp_path), "purge", why=None)
    assert refused.exit_code == 1 and "has no instance" in refused.output and not os.listdir(tmp_path)
