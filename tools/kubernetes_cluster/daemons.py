"""The six daemons: with which arguments each starts, and how one sees that it answers."""

import socket
import subprocess

from . import api
from .certificates import NODE
from .configuration import Ports
from .folder import Folder

DAEMONS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet")
"""In the order in which they start."""


def arguments(folder: Folder, daemon: str, ports: Ports, address: str) -> list[str]:
    """Those of one daemon. `address` is the node's own, which must not be loopback; nothing listens on it."""
    etc = folder.etc
    written = {
        "etcd": _etcd(folder, ports),
        "kube-apiserver": {
            "advertise-address": address,
            "allow-privileged": "true",
            "authorization-mode": "Node,RBAC",
            "bind-address": "127.0.0.1",
            "client-ca-file": f"{etc}/ca.crt",
            "enable-admission-plugins": "NodeRestriction",
            "etcd-servers": f"https://127.0.0.1:{ports.etcd}",
            "etcd-cafile": f"{etc}/ca.crt",
            "etcd-certfile": f"{etc}/client.crt",
            "etcd-keyfile": f"{etc}/client.key",
            "kubelet-certificate-authority": f"{etc}/ca.crt",
            "kubelet-client-certificate": f"{etc}/client.crt",
            "kubelet-client-key": f"{etc}/client.key",
            "kubelet-preferred-address-types": "Hostname",
            "secure-port": str(ports.api),
            "service-account-issuer": "https://private",
            "service-account-key-file": f"{etc}/service-accounts.key",
            "service-account-signing-key-file": f"{etc}/service-accounts.key",
            "service-cluster-ip-range": "10.255.255.0/24",
            "tls-cert-file": f"{etc}/server.crt",
            "tls-private-key-file": f"{etc}/server.key",
            "token-auth-file": f"{etc}/tokens.csv",
        },
        "kube-controller-manager": {
            "kubeconfig": str(folder.kubeconfig("kube-controller-manager")),
            "leader-elect": "false",
            "node-monitor-grace-period": "16s",
            "node-monitor-period": "2s",
            "port": "0",
            "secure-port": "0",
            "root-ca-file": f"{etc}/ca.crt",
            "service-account-private-key-file": f"{etc}/service-accounts.key",
            "use-service-account-credentials": "true",
        },
        "kube-scheduler": {
            "kubeconfig": str(folder.kubeconfig("kube-scheduler")),
            "leader-elect": "false",
            "port": "0",
            "secure-port": "0",
        },
        "containerd": {"config": f"{etc}/containerd.toml", "log-level": "warn"},
        "kubelet": {
            "config": f"{etc}/kubelet.json",
            "container-runtime": "remote",
            "container-runtime-endpoint": f"unix://{folder.containerd_socket}",
            "hostname-override": NODE,
            "kubeconfig": str(folder.kubeconfig("kubelet")),
            "node-ip": address,
            "root-dir": f"{folder.root}/kubelet",
            "cert-dir": f"{folder.root}/kubelet/pki",
        },
    }
    return [f"--{name}={value}" for name, value in written[daemon].items()]


def _etcd(folder: Folder, ports: Ports) -> dict[str, str]:
    etc, client, peer = folder.etc, f"https://127.0.0.1:{ports.etcd}", f"https://127.0.0.1:{ports.etcd_peer}"
    certified = {f"{side}cert-file": f"{etc}/server.crt" for side in ("", "peer-")}
    certified |= {f"{side}key-file": f"{etc}/server.key" for side in ("", "peer-")}
    certified |= {f"{side}trusted-ca-file": f"{etc}/ca.crt" for side in ("", "peer-")}
    return {
        "data-dir": f"{folder.root}/etcd",
        "name": "private",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"private={peer}",
        "logger": "zap",
        "log-level": "error",
        **certified,
        "client-cert-auth": "true",
        "peer-client-cert-auth": "true",
    }


def is_ready(folder: Folder, daemon: str, ports: Ports) -> bool:
    """Whether the daemon answers now."""
    if daemon == "etcd":
        return _connects(ports.etcd)
    if daemon == "kube-apiserver":
        return api.answers(folder, "/readyz")
    if daemon == "containerd":
        command = ("ctr", f"--address={folder.containerd_socket}", "version")
        return subprocess.run(command, capture_output=True).returncode == 0
    if daemon == "kubelet":
        return _connects(ports.kubelet)
    return True


def _connects(number: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", number), timeout=2).close()
    except OSError:
        return False
    return True


def end_of_log(folder: Folder, daemon: str) -> str:
    """The last lines that a daemon wrote, for a person who must find out why it ended."""
    log = folder.log(daemon)
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""
