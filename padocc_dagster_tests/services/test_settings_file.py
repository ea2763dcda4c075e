"""What is read out of dagster.yaml, and that its secrets are not shown."""

from pathlib import Path

import pytest
import yaml

from padocc_dagster.services.settings_file import hide, postgres, resolved, wants_slurm
from padocc_dagster.slurm.yaml_fields import entries, variables

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "slurm" / "dagster.yaml").read_text())
SECRET = "pa ss/word@1"
VALUES = {"storage": {"postgres": {"postgres_db": {"hostname": {"env": "DB_HOST"}, "password": {"env": "DB_PASSWORD"}, "port": 5432}}}}
ENVIRONMENT = {"DB_HOST": "db.site", "DB_PASSWORD": SECRET}


def test_entries_come_with_the_keys_that_lead_to_them() -> None:
    assert list(entries({"a": {"b": [1, {"env": "X"}]}})) == [(("a", "b", "0"), 1), (("a", "b", "1"), {"env": "X"})]


def test_the_shipped_settings_name_the_database_s_four_variables() -> None:
    assert set(variables(SHIPPED)) == {f"PADOCC_DAGSTER_DB_{name}" for name in ("HOST", "NAME", "USER", "PASSWORD")}
    assert variables(SHIPPED)["PADOCC_DAGSTER_DB_HOST"] == "storage.postgres.postgres_db.hostname"


def test_variables_are_replaced_by_their_values() -> None:
    database = postgres(resolved(VALUES, ENVIRONMENT))
    assert database == {"postgres_db": {"hostname": "db.site", "password": SECRET, "port": 5432}}
    assert resolved({"a": {"env": "UNSET"}}, {}) == {"a": None}


@pytest.mark.parametrize("module", ["padocc_dagster.slurm", "padocc_dagster.slurm.launcher"])
def test_the_slurm_launcher_is_known_by_its_name(module: str) -> None:
    assert wants_slurm({"run_launcher": {"module": module, "class": "SlurmRunLauncher"}})


@pytest.mark.parametrize("values", [{}, {"run_launcher": None}, {"run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher"}}])
def test_another_launcher_is_not_taken_for_it(values: dict) -> None:
    assert not wants_slurm(values)


def test_a_password_from_the_environment_is_shown_by_its_name() -> None:
    assert hide(f"login with {SECRET} failed", VALUES, ENVIRONMENT) == "login with {DB_PASSWORD} failed"


@pytest.mark.parametrize("error", ["postgresql://me:pa%20ss/word%401@db.site/x", f"postgresql://me:{SECRET}@db.site/x"])
def test_a_password_in_an_address_is_hidden_in_both_its_forms(error: str) -> None:
    assert hide(error, VALUES, ENVIRONMENT) == "postgresql://me:***@db.site/x"


def test_a_host_is_shown() -> None:
    assert hide("no route to db.site", VALUES, ENVIRONMENT) == "no route to db.site"


@pytest.mark.parametrize(
    "values",
    [{"password": "hunter2"}, {"password": ["hunter2"]}, {"postgres_url": "postgresql://me:hunter2@db/x"}, {"api_token": "hunter2"}, {}],
)
def test_a_literal_password_and_one_in_an_address_are_hidden(values: dict) -> None:
    shown = hide("cannot parse postgresql://me:hunter2@db/x", values, {})
    assert "hunter2" not in shown and "cannot parse" in shown
