"""A Postgres as the instance's database: the connections that a host's runs spare it, and how `status` reads it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster_postgres import utils

from padocc_dagster.dagster_connections import keep_postgres_open
from padocc_dagster.dagster_private import definitions_module
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.at_work import Reader
from padocc_dagster.services.home import Home
from padocc_dagster_tests.batch.runs import make_run
from padocc_dagster_tests.slurm.live.conftest import ROOT, environment
from padocc_dagster_tests.slurm.postgres import Postgres
from padocc_dagster_tests.status.runs import add_run
from tools.slurm_cluster import machine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An instance on a Postgres."""
    if problems := machine.problems():
        pytest.skip(f"no Postgres of a test's own: {'; '.join(problems)}")
    monkeypatch.setattr(utils, "create_engine", utils.create_engine)  # put back afterwards
    folder = Path(tempfile.mkdtemp(prefix="padocc-dagster-postgres-"))
    folder.chmod(0o755)
    postgres = Postgres(folder / "server")
    postgres.create()
    shipped = yaml.safe_load((ROOT / "deploy" / "slurm" / "dagster.yaml").read_text())
    shipped["storage"]["postgres"]["postgres_db"]["port"] = postgres.port
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": shipped["storage"], "telemetry": {"enabled": False}}))
    try:
        with environment(postgres.environment()):
            yield tmp_path
    finally:
        postgres.stop()
        shutil.rmtree(folder)


def sessions(instance: dg.DagsterInstance) -> int:
    """How many connections the database has accepted."""
    with instance.run_storage.connect() as connection:
        return int(connection.exec_driver_sql("SELECT sum(sessions) FROM pg_stat_database").scalar())


def test_all_storages_of_a_process_share_one_connection_that_outlives_its_loss(home: Path) -> None:
    keep_postgres_open()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = make_run(instance)
        before = sessions(instance)
        for number in range(20):
            instance.add_run_tags(run.run_id, {"number": str(number)})
            instance.report_engine_event("again", run)
        assert sessions(instance) == before
        with instance.run_storage.connect() as connection:
            others = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            connection.exec_driver_sql(others)
        assert instance.get_run_by_id(run.run_id).tags["number"] == "19"
        assert definitions_module(run) == "a_module"
        instance.run_storage._engine.dispose()


def test_status_reads_what_runs_and_what_waits_and_no_password_is_shown_where_it_cannot(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Home(Workdir(home / "work"))
    place.root.mkdir(parents=True)
    (home / "dagster.yaml").rename(place.settings)
    with dg.DagsterInstance.from_config(str(place.root)) as instance:
        add_run(instance, "g:busy", "STARTED")
        add_run(instance, "g:next", "QUEUED")
    found = Reader(place).read()
    assert (found.problem, {key: str(each.doing) for key, each in found.doing.items()}) == ("", {"g:busy": "running", "g:next": "queued"})
    monkeypatch.setenv("PADOCC_DAGSTER_DB_PASSWORD", "another secret")
    found = Reader(place).read()
    assert found.doing == {} and "password authentication failed" in found.problem and "secret" not in found.problem
