"""The texts of the cluster's configuration files. Pure: values in, text out. Nothing is written here."""

import json
from dataclasses import dataclass
from typing import Any

from .folder import Folder
from .machine import CNI

IMAGE = "padocc-dagster.local/host:1"


@dataclass(frozen=True)
class Ports:
    api: int
    etcd: int
    etcd_peer: int
    kubelet: int
    kubelet_health: int


def kubeconfig(folder: Folder, ports: Ports, token: str, namespace: str = "default") -> str:
    """How a program speaks with the API server as one user. JSON, which is YAML as well."""
    cluster = {"server": f"https://127.0.0.1:{ports.api}", "certificate-authority": f"{folder.etc}/ca.crt"}
    context = {"cluster": "private", "user": "own", "namespace": namespace}
    return _text(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "private", "cluster": cluster}],
            "users": [{"name": "own", "user": {"token": token}}],
            "contexts": [{"name": "private", "context": context}],
            "current-context": "private",
        }
    )


def kubelet(folder: Folder, ports: Ports) -> str:
    """KubeletConfiguration (kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1), for cgroup v1."""
    return _text(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "127.0.0.1",
            "port": ports.kubelet,
            "healthzPort": ports.kubelet_health,
            "tlsCertFile": f"{folder.etc}/server.crt",
            "tlsPrivateKeyFile": f"{folder.etc}/server.key",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{folder.etc}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{folder.name}",
            "enforceNodeAllocatable": [],
            "evictionHard": {},
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "nodeStatusUpdateFrequency": "4s",
            "oomScoreAdj": 0,
            "podPidsLimit": 4096,
            "resolvConf": "",
            "syncFrequency": "10s",
            "volumePluginDir": f"{folder.root}/volume-plugins",
            "imageGCHighThresholdPercent": 100,
        }
    )


def containerd(folder: Folder) -> str:
    """config.toml of containerd 1.6: its own folders and network, runc, and no AppArmor. OOM scores need CAP_SYS_RESOURCE."""
    root = folder.root
    return f"""\
version = 2
root = "{root}/containerd"
state = "{root}/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{folder.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{root}/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""


def network(folder: Folder, subnet: str) -> str:
    """A CNI network of point-to-point devices, from which nothing outside this machine is reached."""
    addresses: dict[str, Any] = {"type": "host-local", "ranges": [[{"subnet": subnet}]], "dataDir": f"{folder.root}/addresses"}
    plugin = {"type": "ptp", "ipam": addresses | {"routes": [{"dst": "0.0.0.0/0"}]}}
    return _text({"cniVersion": "0.4.0", "name": folder.name, "plugins": [plugin]})


def _text(values: Any) -> str:
    return json.dumps(values, indent=1) + "\n"
