"""What dagster.yaml may say of the launcher, and what is told when it says something else."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import Field, Shape
from dagster._core.instance.config import dagster_instance_config
from dagster._core.launcher import RunLauncher
from dagster._serdes import ConfigurableClassData

from padocc_dagster import allocations
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.slurm.settings import FIELDS, SettingsError
from padocc_dagster_tests.slurm.desk import configured

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def problems(**config: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        configured(**config)
    return str(raised.value).splitlines()


def test_an_empty_config_is_one_hour_two_gigabytes_and_one_look_a_minute(home: Path) -> None:
    settings = configured()
    assert settings.default == Allocation(wall_seconds=3600, memory_mib=2048, cpus=1)
    assert (settings.largest, settings.profile, settings.policy) == (Allocation(), None, None)
    assert (settings.poll_interval_seconds, settings.terminate_grace_seconds) == (60, 60)
    assert settings.log_folder.root == home / "slurm"
    assert Path(settings.python).exists()


def test_runs_share_jobs_unless_that_is_turned_off() -> None:
    assert configured().warm == configured(warm=True).warm == configured(warm={}).warm
    assert configured(warm={"most_jobs": 3, "time": "2:00:00"}).warm.wall_seconds == 7200
    assert configured(warm=False).warm is None and configured(warm=False).most_jobs(Allocation()) == 0


def test_there_are_no_more_jobs_for_many_runs_than_the_site_lets_a_user_have() -> None:
    settings = configured(
        warm={"most_jobs": 100}, profile=str(DEPLOY / "jasmin-lotus2.yaml"), partition="standard", qos="standard", account="mygws"
    )
    assert settings.most_jobs(Allocation(qos="standard")) == 100 and settings.most_jobs(Allocation(qos="debug")) == 32


def test_every_problem_is_told_at_once_with_the_name_of_its_field() -> None:
    told = "\n".join(
        problems(
            partition="two words",
            account="-x",
            default_allocation={"time": "soon", "memory": "much"},
            largest_allocation={"cpus": 0},
            profile="/nowhere/profile.yaml",
            allocation_policy="no_such_module:policy",
            sbatch_options={"mem": "1G", "Colour": "red"},
            log_folder="logs",
            warm={"idle_seconds": 0, "memory": "some"},
            poll_interval_seconds=0,
            command_timeout_seconds=-1,
        )
    )
    expected = ("partition: ", "account: ", "default_allocation.time: ", "default_allocation.memory: ", "largest_allocation.cpus: ")
    expected += ("/nowhere/profile.yaml", "no_such_module:policy", "mem is set by the launcher", "Colour is not a long option", "'logs'")
    expected += ("warm.idle_seconds is 0", "warm.memory: ", "poll_interval_seconds is 0", "command_timeout_seconds is -1")
    assert [text for text in expected if text not in told] == []
    assert "run tag slurm/time" not in told


@pytest.mark.parametrize("name", ["os:sep", "os:nothing", "os", "padocc_dagster_tests.slurm.broken_policy:policy", ":", "a b:c"])
def test_a_policy_that_cannot_be_called_is_told_when_the_settings_are_read(name: str) -> None:
    assert "write module:function" in problems(allocation_policy=name)[0]


def test_a_default_that_the_site_refuses_is_told_when_the_settings_are_read() -> None:
    profile = str(DEPLOY / "jasmin-lotus2.yaml")
    told = "\n".join(problems(profile=profile, qos="short", default_allocation={"time": "5:00:00"}))
    assert "account" in told and "partition" in told and "4:00:00" in told
    assert configured(profile=profile, qos="short", account="a", partition="standard").profile.name == "JASMIN LOTUS2"


def test_the_smaller_of_the_sites_limit_and_the_configured_one_holds() -> None:
    profile = str(DEPLOY / "jasmin-lotus2.yaml")
    where = {"account": "a", "partition": "standard", "qos": "standard"}
    settings = configured(profile=profile, largest_allocation={"time": "2-00:00:00", "memory": "64G"}, **where)
    assert settings.largest_for(settings.default) == Allocation(wall_seconds=86400, memory_mib=65536, cpus=1)


def test_what_the_site_ships_is_accepted_by_dagster_and_by_the_launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "slurm" / "dagster.yaml").read_text())
    for name in ("HOST", "NAME", "USER", "PASSWORD"):
        monkeypatch.setenv(f"PADOCC_DAGSTER_DB_{name}", "x")
    config, _ = dagster_instance_config(str(tmp_path))
    given = config["run_launcher"]
    launcher = ConfigurableClassData(given["module"], given["class"], yaml.safe_dump(given["config"])).rehydrate(as_type=RunLauncher)
    assert launcher.settings.policy is allocations.allocation_for
    assert launcher.settings.environment == ("WORKDIR",)
    assert launcher.settings.largest == Allocation(wall_seconds=86400, memory_mib=65536)


def described(fields: dict[str, Field], where: str = "") -> dict[str, str | None]:
    found = {}
    for name, field in fields.items():
        found[where + name] = field.description
        if isinstance(field.config_type, Shape):
            found |= described(field.config_type.fields, f"{where}{name}.")
    return found


def test_every_field_is_described_in_a_sentence() -> None:
    texts = described(FIELDS)
    assert {"default_allocation.time", "largest_allocation.cpus", "poll_interval_seconds"} < set(texts)
    assert [name for name, text in texts.items() if not text or len(text) < 10 or not text.rstrip(" …").endswith((".", "load"))] == []
