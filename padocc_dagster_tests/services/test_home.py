"""DAGSTER_HOME of a working directory: its closed folder for sockets, and its first settings."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import SOCKET_PATH_LENGTH, Home, first_settings


def test_a_long_path_gets_its_socket_elsewhere_and_always_the_same(tmp_path: Path) -> None:
    home = Home(Workdir(tmp_path / ("x" * 120)))
    assert len(os.fsencode(home.socket)) <= SOCKET_PATH_LENGTH and home.socket == home.socket
    assert home.socket != Home(Workdir(tmp_path / ("y" * 120))).socket


@pytest.mark.parametrize("length", range(60, 120))
def test_all_sockets_of_a_working_directory_are_in_one_folder_however_long_its_path(length: int) -> None:
    home = Home(Workdir(Path("/" + "x" * length)))
    assert len({socket.parent for socket in (home.socket, home.fork_socket, home.page_socket, home.viewer_socket)}) == 1


@pytest.fixture(params=["w", "x" * 120], ids=["in DAGSTER_HOME", "in the temporary directory"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home that is not prepared yet, with a umask that lets the group write."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    home = Home(Workdir(tmp_path / request.param))
    before = os.umask(0o002)
    home.root.mkdir(parents=True)
    yield home
    os.umask(before)


def test_the_socket_s_folder_is_closed_to_others_whatever_the_umask(home: Home) -> None:
    home.prepare()
    home.prepare()
    assert home.socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_socket_s_folder_that_is_open_to_others_is_refused(home: Home) -> None:
    home.socket.parent.mkdir()
    with pytest.raises(ValueError, match="is not a folder of yours alone"):
        home.prepare()


def test_a_link_in_place_of_the_socket_s_folder_is_refused(home: Home) -> None:
    elsewhere = home.root / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    home.socket.parent.symlink_to(elsewhere)
    with pytest.raises(ValueError, match="is not a folder of yours alone"):
        home.prepare()


def test_the_shipped_settings_are_taken_by_dagster_and_hold_what_the_assets_rely_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster import DagsterInstance

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(first_settings(cpus=7))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        runs = instance.get_concurrency_config().run_queue_config
        assert runs.max_concurrent_runs == 7
        one_at_once = {"value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        keys = ("padocc/group_writer", "padocc/group_config")
        assert runs.tag_concurrency_limits == [{"key": key, **one_at_once} for key in keys]
        assert (instance.run_retries_max_retries, instance.run_retries_retry_on_asset_or_op_failure) == (2, False)
        assert instance.run_monitoring_enabled and instance.run_monitoring_max_resume_run_attempts == 0
        assert not instance.telemetry_enabled


def test_the_deployed_settings_are_the_shipped_ones() -> None:
    deployed = Path(__file__).parents[2] / "deploy" / "one-machine" / "dagster.yaml"
    assert deployed.read_text() == (Path(__file__).parents[2] / "padocc_dagster" / "services" / "one_machine.yaml").read_text()
