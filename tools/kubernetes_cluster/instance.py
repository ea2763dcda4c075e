"""A dagster.yaml for the private cluster: how to reach it, and the folders of this machine that its pods see.

The namespace, its service accounts and their rights are those of deploy/kubernetes, so that a missing right shows.
"""

import base64
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..private.process import wait_until
from . import configuration
from .cluster import Cluster
from .configuration import IMAGE, Ports

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
NAMESPACE, ACCOUNT = "padocc", "padocc-dagster"
PATHS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}
PROGRAMS = (Path("/usr"), Path("/etc"), Path(sys.prefix), Path(sys.base_prefix))


def make_namespace(cluster: Cluster) -> Path:
    """Make the namespace with what deploy/kubernetes/rbac.yaml says, where it is not there. Returns a kubeconfig for its account."""
    known = [item["metadata"]["name"] for item in cluster.request("GET", "/api/v1/namespaces")["items"]]
    if NAMESPACE not in known:
        cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for made in yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text()):
            cluster.request("POST", PATHS[made["kind"]].format(NAMESPACE), made)
    wait_until(f"the token of {ACCOUNT} is made", lambda: bool(_secrets(cluster)))
    token = base64.b64decode(_secrets(cluster)[0]["data"]["token"]).decode()
    path = cluster.folder.kubeconfig(ACCOUNT)
    path.touch(mode=0o600)
    ports = Ports(**json.loads((cluster.folder.etc / "machine.json").read_text())["ports"])
    path.write_text(configuration.kubeconfig(cluster.folder, ports, token, NAMESPACE))
    return path


def settings(cluster: Cluster, folders: Iterable[Path], changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """deploy/kubernetes/one-node.yaml for this cluster. Pods see this machine's programs, this checkout, and the folders named.

    `changed` are fields of the launcher's config.
    """
    values: dict[str, Any] = yaml.safe_load((DEPLOY / "one-node.yaml").read_text())
    writable = outermost(folders)
    read_only = [path for path in outermost([*PROGRAMS, ROOT]) if not any(each in (path, *path.parents) for each in writable)]
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    mounts: list[dict[str, Any]] = [{"name": "tmp", "mountPath": "/tmp"}]
    for number, path in enumerate([*read_only, *writable]):
        volumes.append({"name": f"host-{number}", "hostPath": {"path": str(path)}})
        mounts.append({"name": f"host-{number}", "mountPath": str(path), "readOnly": path in read_only})
    config = values["run_launcher"]["config"]
    config |= {"kubeconfig_file": str(make_namespace(cluster)), "job_image": IMAGE, "python": sys.executable}
    config |= {"volumes": volumes, "volume_mounts": mounts}
    config["env_vars"] = [*config["env_vars"], f"PYTHONPATH={ROOT}", "HOME=/tmp"]
    config |= changed or {}
    return values


def outermost(paths: Iterable[Path]) -> list[Path]:
    """Those that lie in none of the others, each once."""
    real = sorted({Path(os.path.abspath(path)) for path in paths})
    return [path for path in real if not any(other in path.parents for other in real)]


def _secrets(cluster: Cluster) -> list[dict[str, Any]]:
    items = cluster.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets")["items"]
    name = "kubernetes.io/service-account.name"
    return [
        item for item in items if (item["metadata"].get("annotations") or {}).get(name) == ACCOUNT and "token" in (item.get("data") or {})
    ]
