"""One private cluster: its daemons started in order, each waited for, watched, broken on purpose, and stopped."""

import fcntl
import json
import os
import random
import shutil
import signal as signals
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..private import process
from ..private.folder import ClusterError
from . import api, build, certificates, configuration, containers, image, machine
from .certificates import NODE
from .configuration import IMAGE, Ports
from .daemons import DAEMONS, arguments, end_of_log, is_ready
from .folder import Folder

LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000
"""Below the range from which Linux takes the ports of outgoing connections."""


class Cluster:
    """A Kubernetes of one node that lives in one folder and touches no other Kubernetes.

    cluster = Cluster(folder)
    cluster.start()
    cluster.request("GET", "/api/v1/nodes")
    cluster.stop()
    """

    def __init__(self, directory: Path) -> None:
        self.folder = Folder(Path(directory).expanduser().resolve())

    @property
    def kubeconfig(self) -> Path:
        """For kubectl and other clients, as the admin."""
        return self.folder.kubeconfig("admin")

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The API server's answer to its admin. Raises ClusterError with the server's message."""
        return api.request(self.folder, method, path, body)

    def running(self) -> dict[str, int | None]:
        """The process id of each daemon, None for one that does not run."""
        return {name: process.find(self.folder, name) for name in DAEMONS}

    def start(self) -> bool:
        """Start what does not run, and return when the node is ready; False if all ran already. Builds Kubernetes where that is not done.

        Raises ClusterError with one sentence for what the machine lacks, or for a daemon that does not come up.
        """
        if problems := machine.problems():
            raise ClusterError("; ".join(problems))
        build.build()
        self.folder.make()
        with self._locked():
            running = self.running()
            if all(running.values()):
                return False
            if not any(running.values()):
                containers.end_all(self.folder)
                self._prepare()
            machine.note_kernel_settings(self.folder)
            machine.make_cgroups(self.folder)
            try:
                for name in DAEMONS:
                    self.start_daemon(name)
                    if name == "containerd":
                        self._import_image()
                process.wait_until("the node is ready", self.is_ready)
            except BaseException:
                self._end()
                raise
        return True

    def stop(self) -> bool:
        """End the cluster's pods and daemons, and nothing else; False if none ran. Its kernel settings are put back."""
        if not self.folder.root.is_dir():
            return False
        with self._locked():
            ran = any(self.running().values())
            self._end()
        return ran

    def is_ready(self) -> bool:
        """Whether the node takes pods, and the default namespace has its service account."""
        try:
            node = self.request("GET", f"/api/v1/nodes/{NODE}")
            self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        except ClusterError:
            return False
        ready = {each["type"]: each["status"] for each in node["status"].get("conditions", ())}.get("Ready") == "True"
        return ready and not node["spec"].get("taints")

    def start_daemon(self, name: str) -> None:
        """Start one daemon unless it runs, and return when it answers; ClusterError with the end of its log if it does not."""
        said = json.loads((self.folder.etc / "machine.json").read_text())
        ports = Ports(**said["ports"])
        if process.find(self.folder, name) is None:
            process.spawn(self.folder, name, [name, *arguments(self.folder, name, ports, said["address"])])

        def ready() -> bool:
            if process.find(self.folder, name) is None:
                raise ClusterError(f"{name} ended while it started, see {self.folder.log(name)}:\n{end_of_log(self.folder, name)}")
            return is_ready(self.folder, name, ports)

        process.wait_until(f"{name} answers (its log: {self.folder.log(name)})", ready)

    def stop_daemon(self, name: str) -> None:
        """End one daemon as its service would, and return when it is gone."""
        process.end(self.folder, name)

    def kill(self, name: str, signal: int = signals.SIGKILL) -> None:
        """Send a daemon a signal; after SIGKILL, return when it is gone."""
        if signal == signals.SIGKILL:
            process.end(self.folder, name, signal)
        elif pid := process.find(self.folder, name):
            os.kill(pid, signal)

    def _prepare(self) -> None:
        """A cluster of which nothing runs begins anew: no state of the last one is kept but containerd's image."""
        for name in ("etcd", "kubelet", "addresses"):
            shutil.rmtree(self.folder.root / name, ignore_errors=True)
        said = {"ports": asdict(Ports(*free_ports(5))), "subnet": f"10.{random.randint(64, 191)}.{random.randint(0, 255)}.0/24"}
        said["address"] = own_address()
        etc, ports = self.folder.etc, Ports(**said["ports"])
        (etc / "cni").mkdir(exist_ok=True)
        texts = {
            etc / "machine.json": json.dumps(said),
            etc / "kubelet.json": configuration.kubelet(self.folder, ports),
            etc / "containerd.toml": configuration.containerd(self.folder),
            etc / "cni" / "private.conflist": configuration.network(self.folder, str(said["subnet"])),
        }
        for user, token in certificates.write(self.folder).items():
            texts[self.folder.kubeconfig(user)] = configuration.kubeconfig(self.folder, ports, token)
        for path, text in texts.items():
            path.touch(mode=0o600)
            path.write_text(text)

    def _import_image(self) -> None:
        path = self.folder.root / "image.tar"
        image.write(path)
        own = ("ctr", f"--address={self.folder.containerd_socket}", "--namespace=k8s.io", "images", "import", "--snapshotter=native", path)
        done = subprocess.run(own, capture_output=True, text=True)
        if done.returncode:
            raise ClusterError(f"the image {IMAGE} cannot be imported: {done.stderr.strip()}")

    def _end(self) -> None:
        process.end(self.folder, "kubelet")  # first, so that it starts no more pods while they are ended
        with suppress(ClusterError):
            containers.end_all(self.folder)
        for name in reversed(DAEMONS):
            process.end(self.folder, name)
        containers.end_all(self.folder)
        machine.restore_kernel_settings(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def own_address() -> str:
    """The address by which this machine would reach others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            raise ClusterError("this machine has no network address but loopback, which a node of Kubernetes needs") from None
        return str(probe.getsockname()[0])


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on, drawn at random so that clusters which start at the same time do not meet."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(LOWEST_PORT, HIGHEST_PORT), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise ClusterError(f"fewer than {count} of 1000 ports between {LOWEST_PORT} and {HIGHEST_PORT} are free: end what holds them")
