"""`status` beside an instance: what its database says of runs, who serves it, and when `--watch` ends."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import dagster as dg
import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.commands import status as module
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.readings import Result as Reading
from padocc_dagster.pipeline.workdir.readings import record_reading, version_of
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.services.home import Home
from padocc_dagster.services.page import Page
from padocc_dagster_tests.pipeline.standing import INIT, SCANNED, WARNED, standing
from padocc_dagster_tests.status.runs import add_run, launched

URL = "http://127.0.0.1:3999"
PUBLISHED = (*WARNED, ("complete", "Success"))


def run(workdir: Workdir, *words: str, columns: int = 80) -> Result:
    environment = {"WORKDIR": None, "COLUMNS": str(columns)}
    return CliRunner(env=environment).invoke(app, ["status", *words, "-w", str(workdir.root)], catch_exceptions=False)


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    made = standing(tmp_path, {"g": {"done": PUBLISHED, "busy": SCANNED, "next": INIT, "last": INIT}, "other": {"one": PUBLISHED}})
    for group in ("g", "other"):
        manage(made, group)
    return made


@pytest.fixture
def instance(workdir: Workdir) -> Iterator[dg.DagsterInstance]:
    """The instance's database, with one run at work and two in the queue; nobody serves it."""
    home = Home(workdir)
    home.prepare()
    with mock.patch.dict(os.environ, DAGSTER_HOME=str(home.root)), dg.DagsterInstance.from_config(str(home.root)) as instance:
        add_run(instance, "g:busy", "STARTED")
        add_run(instance, "g:last", "QUEUED", dagster__priority="0")
        add_run(instance, "g:next", "QUEUED", dagster__priority="3")
        yield instance


@pytest.fixture
def served(workdir: Workdir, instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    home = Home(workdir)
    home.write_address(Page(home.page_socket, 3999, "127.0.0.1", False))
    with FileLock(home.lock):
        yield instance


def test_a_config_whose_run_waits_says_for_what(workdir: Workdir, served: dg.DagsterInstance) -> None:
    workdir.inbox.mkdir(exist_ok=True)
    (workdir.inbox / "g.csv").write_text("a,/none/*.nc")
    waits = add_run(served, "", "STARTING", padocc__group_config="g.csv")
    launched(served, waits, slurm__pending="Resources")
    assert "g.csv in the inbox is read next: its run is waiting, in the cluster's queue: Resources." in run(workdir).stdout


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "SETTLED_SECONDS", "UNSERVED_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)


def test_runs_are_shown_with_their_place_in_the_queue_the_totals_and_the_page(workdir: Workdir, served: dg.DagsterInstance) -> None:
    result = run(workdir, "g")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert lines["busy"].split()[1:3] == ["scan", "running"]
    assert "number 1 of 2 in the queue" in lines["next"] and "number 2 of 2 in the queue" in lines["last"]
    assert "1 of 4 published, 1 running, 2 queued" in result.stdout and f"Web page: {URL}" in result.stdout
    [busy] = served.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert f"g:busy: {URL}/runs/{busy.run_id}" in result.stdout


def test_a_page_on_a_socket_is_opened_by_a_command(workdir: Workdir, served: dg.DagsterInstance) -> None:
    Home(workdir).write_address(Page(Home(workdir).page_socket, None, "127.0.0.1", False))
    result = run(workdir, "g")
    [busy] = served.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert f"Web page: padocc-dagster web -w {workdir.root}" in result.stdout and f"g:busy: /runs/{busy.run_id}" in result.stdout


def test_somebody_who_may_only_read_is_shown_the_page_as_well(workdir: Workdir, served: dg.DagsterInstance) -> None:
    with mock.patch("padocc_dagster.services.serving.is_served", side_effect=PermissionError):
        assert f"Web page: {URL}" in run(workdir, "g").stdout


def test_it_is_said_that_nobody_serves_it_and_how_to(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    result = run(workdir)
    assert "Nothing new is started while no instance serves it. Start one with:" in result.stdout
    assert f"\n  padocc-dagster up -w {workdir.root}\n" in result.stdout
    assert "Web page" not in result.stdout


def test_json_keeps_its_form_and_has_what_runs_do(workdir: Workdir, served: dg.DagsterInstance) -> None:
    rows = {row["project"]: row for row in json.loads(run(workdir, "g", "--json").stdout)}
    assert {"group", "project", "phase", "outcome", "status", "since", "why", "withdrawn"} <= rows["busy"].keys()
    assert (rows["busy"]["phase"], rows["busy"]["outcome"], rows["busy"]["state"]) == ("scan", "ok", "running")
    assert rows["next"]["now"]["position"] == 1 and rows["done"]["now"] is None


def test_without_an_instance_the_files_are_shown_and_none_is_made(workdir: Workdir) -> None:
    result = run(workdir)
    assert result.exit_code == 0 and "2 of 5 published" in result.stdout
    assert not Home(workdir).root.exists()


def test_a_home_without_a_database_gets_none(workdir: Workdir) -> None:
    Home(workdir).prepare()
    assert run(workdir).exit_code == 0
    assert not (Home(workdir).root / "history").exists()


def test_a_database_that_does_not_answer_is_named_and_the_files_are_shown(workdir: Workdir) -> None:
    Home(workdir).prepare()
    where = "hostname: 127.0.0.1, port: 1, username: u, password: p, db_name: d"
    Home(workdir).settings.write_text(f"storage: {{postgres: {{postgres_db: {{{where}}}}}}}\n")
    result = run(workdir)
    assert result.exit_code == 0 and "2 of 5 published" in result.stdout
    assert "What runs and waits is not shown. Dagster's database cannot be read" in result.stdout


def test_a_rejected_config_is_shown_for_its_group_which_is_not_there(workdir: Workdir, quick: None) -> None:
    workdir.inbox.mkdir(exist_ok=True)
    path = workdir.inbox / "fresh.csv"
    path.write_text("a,/none/*.nc")
    assert "fresh.csv in the inbox is not read yet." in run(workdir, "fresh").stdout
    record_reading(workdir, path, version_of(path), Reading.REJECTED, [{"line": 1, "problem": "no file matches"}], "run")
    for words in (("fresh",), ()):
        result = run(workdir, *words)
        assert result.exit_code == 0 and "fresh.csv was not accepted (1 problem)" in result.stdout
        assert "line 1: no file matches" in result.stdout
    assert run(workdir, "frsh").exit_code == 1
    assert run(workdir, "fresh", "--watch").exit_code == 1


def test_a_watch_ends_at_once_with_0_when_all_is_published(workdir: Workdir) -> None:
    result = run(workdir, "other", "--watch")
    assert result.exit_code == 0 and "1 of 1 published." in result.stdout


def test_a_watch_goes_on_while_something_follows_and_ends_with_1_when_it_stopped(
    workdir: Workdir, served: dg.DagsterInstance, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_two_and_publish_one() -> None:
        for code in ("next", "last"):
            append_row(workdir.status_log(Project("g", code)), "scan", "Failed-KeyError")
        for phase in ("compute", "validate", "complete"):
            append_row(workdir.status_log(Project("g", "busy")), phase, "Success")
        for each in served.get_runs():
            served.report_run_canceled(each)

    meanwhile = iter([stop_two_and_publish_one])
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: next(meanwhile, lambda: None)())
    monkeypatch.setattr(module, "time", clock)
    result = run(workdir, "g", "--watch")
    assert result.exit_code == 1
    assert "1 of 4 published, 1 running, 2 queued" in result.stdout, "each change is a line where there is no terminal"
    assert "2 of 4 published, 2 stopped.\n" in result.stdout


def test_a_watch_waits_for_the_first_config(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    workdir = Workdir(tmp_path.resolve())
    meanwhile = iter([lambda: (standing(tmp_path, {"g": {"done": PUBLISHED}}), manage(workdir, "g"))])
    monkeypatch.setattr(module, "UNSERVED_SECONDS", 60)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: next(meanwhile)()))
    assert "padocc-dagster up -w" in run(workdir).stdout
    result = run(workdir, "--watch")
    assert result.exit_code == 0 and "No projects" in result.stdout and "1 of 1 published." in result.stdout


def test_a_watch_ends_with_1_when_nobody_serves_what_is_to_be_done(workdir: Workdir, quick: None) -> None:
    result = run(workdir, "g", "--watch")
    assert result.exit_code == 1 and "padocc-dagster up" in result.stdout


def test_a_look_costs_one_query_for_all_runs(workdir: Workdir, served: dg.DagsterInstance) -> None:
    from padocc_dagster.services.at_work import Reader

    for number in range(50):
        add_run(served, f"g:p{number}", "QUEUED")
    reader = Reader(Home(workdir))
    reader.read()
    storage = type(reader._instance._run_storage)
    with mock.patch.object(storage, "fetchall", autospec=True, side_effect=storage.fetchall) as fetched:
        assert len(reader.read().doing) == 53
    assert fetched.call_count == 1


def test_a_table_that_is_higher_than_the_terminal_shows_first_what_is_not_published(workdir: Workdir) -> None:
    from padocc_dagster.commands.looking import Looker

    shutil.rmtree(workdir.group_dir("other"))
    look = Looker(workdir, None).look()
    text = look.text(80, 7).plain
    assert text.count("\n") < 8 and "done" not in text and "busy" in text and "… and 3 more" in text and "1 of 4 published" in text
