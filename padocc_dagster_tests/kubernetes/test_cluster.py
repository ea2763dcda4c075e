"""The private cluster's own parts: what it says of a machine that lacks something, and what it puts back."""

import json
import os
import tarfile
from pathlib import Path

import pytest

from tools.kubernetes_cluster import build, certificates, configuration, daemons, image, machine
from tools.kubernetes_cluster.configuration import Ports
from tools.kubernetes_cluster.folder import Folder
from tools.kubernetes_cluster.instance import outermost
from tools.private import process
from tools.private.folder import LONGEST, ClusterError

PORTS = Ports(1, 2, 3, 4, 5)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("c"))
    made.make()
    return made


def test_a_machine_that_lacks_programs_names_the_packages_that_bring_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "CACHE", tmp_path)
    (said,) = [problem for problem in machine.problems() if "apt-get install" in problem]
    assert all(package in said for package in ("etcd-server", "containerd", "runc", "golang-go", "dpkg-dev"))


def test_a_machine_with_the_programs_in_its_cache_needs_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "CACHE", tmp_path)
    assert not build.is_built()
    build.programs().mkdir(parents=True)
    for name in (*build.SERVERS, build.PAUSE):
        (build.programs() / name).touch()
    assert build.is_built()


def test_the_last_of_several_clusters_puts_back_what_kubelet_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    setting, first, second = tmp_path / "setting", Folder(tmp_path / "1"), Folder(tmp_path / "2")
    setting.write_text("1\n")
    monkeypatch.setattr(machine, "KERNEL", (str(setting),))
    monkeypatch.setattr(machine, "NOTED", tmp_path / "noted")
    machine.note_kernel_settings(first)
    setting.write_text("0\n")  # by the kubelet of the first
    machine.note_kernel_settings(second)
    machine.restore_kernel_settings(first)
    assert setting.read_text() == "0\n", "the second needs it"
    machine.restore_kernel_settings(second)
    assert setting.read_text() == "1\n"


def test_a_folder_whose_sockets_would_have_too_long_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="name a shorter --directory"):
        Folder(tmp_path / ("x" * LONGEST)).make()


def test_every_server_is_closed_to_whoever_has_no_certificate(folder: Folder) -> None:
    arguments = {name: daemons.arguments(folder, name, PORTS, "192.0.2.2") for name in daemons.DAEMONS}
    assert {"--client-cert-auth=true", "--peer-client-cert-auth=true"} <= set(arguments["etcd"])
    assert {"--authorization-mode=Node,RBAC", "--bind-address=127.0.0.1"} <= set(arguments["kube-apiserver"])
    kubelet = json.loads(configuration.kubelet(folder, PORTS))
    assert kubelet["address"] == "127.0.0.1" and kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}


def test_tokens_and_keys_are_readable_by_their_owner_alone(folder: Folder) -> None:
    tokens = certificates.write(folder)
    assert set(tokens) == set(certificates.USERS) and len(set(tokens.values())) == len(tokens)
    assert (folder.etc / "tokens.csv").stat().st_mode & 0o077 == 0 and folder.etc.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not build.is_built(), reason="Kubernetes is not built")
def test_the_image_holds_a_program_and_links_alone(tmp_path: Path) -> None:
    image.write(tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert set(archive.getnames()) == {"layer.tar", "config.json", "manifest.json"}
        with tarfile.open(fileobj=archive.extractfile("layer.tar")) as layer:
            assert [member.name for member in layer if member.isfile()] == ["pause"]


def test_a_process_of_somebody_else_is_not_found_by_an_old_pid_file(folder: Folder) -> None:
    folder.pid_file("etcd").write_text(f"{os.getpid()}\n")
    assert process.find(folder, "etcd") is None


def test_a_daemon_gets_nothing_of_the_callers_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hush")
    assert set(folder.environment) == {"PATH", "HOME", folder.known_by[0]}


def test_folders_in_others_are_mounted_with_these() -> None:
    assert outermost(map(Path, ("/a/b", "/a", "/c", "/a/../c/d"))) == [Path("/a"), Path("/c")]
