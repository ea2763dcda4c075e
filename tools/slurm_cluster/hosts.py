"""The hosts of a cluster of several nodes: each has a host name of its own and, where the machine allows it, a link that can be cut.

A host is a process that does nothing but keep a UTS and a network namespace; the node's slurmd, and what else is to run on that host, is
started in them. The links meet in a bridge, at which this machine has an address too. All carry the cluster's name, which nobody else has.
"""

import contextlib
import random
import re
import shutil
import subprocess
from pathlib import Path

from ..private import process
from ..private.folder import ClusterError
from .folder import Folder

LOOPBACK = "127.0.0.1"
INTERFACE = "eth0"
"""A host's end of its link."""
TRIAL = "ip link add probe type veth peer name other && ip link add bridge0 type bridge"


def problem() -> str:
    """Why hosts cannot have a network of their own here, in words for a person; empty if they can. Tries it in a namespace that ends."""
    if shutil.which("ip") is None:
        return "ip is not installed: run apt-get install iproute2"
    tried = subprocess.run(["unshare", "--net", "sh", "-c", TRIAL], capture_output=True, text=True)
    return f"the system refuses network namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def free_network() -> str:
    """The first three numbers of a network in which this machine has no address, out of those that no site uses (RFC 2544)."""
    taken = _ip("-4", "-oneline", "address")
    networks = [f"198.{second}.{third}" for second in (18, 19) for third in range(256)]
    return random.SystemRandom().choice([network for network in networks if f" {network}." not in taken])


def address(folder: Folder) -> str:
    """This machine's address as the nodes see it; loopback where they share its network."""
    found = re.search(r"^SlurmctldHost=.*\((.*)\)$", folder.slurm_conf.read_text(), re.MULTILINE)
    return found[1] if found else LOOPBACK


def node_address(folder: Folder, node: str) -> str:
    """A node's address; KeyError for one that the configuration does not name."""
    found = re.search(rf"^NodeName={re.escape(node)} .*\bNodeAddr=(\S+)", folder.slurm_conf.read_text(), re.MULTILINE)
    if found is None:
        raise KeyError(node)
    return found[1]


def command(folder: Folder, node: str) -> list[str]:
    """The command of the process that keeps a host's namespaces; it is called `host` once they are there."""
    network = ["--net"] if node_address(folder, node) != LOOPBACK else []
    return ["unshare", "--uts", *network, "bash", "-c", 'hostname "$0" && exec -a host sleep infinity', node]


def on(folder: Folder, node: str) -> list[str]:
    """The words before a command that runs it on the node's host. ClusterError when the host does not run."""
    pid = process.find(folder, f"host@{node}")
    if pid is None:
        raise ClusterError(f"the host of {node} does not run: start the cluster")
    return ["nsenter", f"--target={pid}", "--uts", "--net"]


def make_bridge(folder: Folder) -> None:
    """Give this machine its address in the hosts' network, where they have one of their own."""
    name = bridge(folder)
    if address(folder) == LOOPBACK or Path("/sys/class/net", name).exists():
        return
    _ip("link", "add", name, "type", "bridge")
    _ip("address", "add", f"{address(folder)}/24", "dev", name)
    _ip("link", "set", name, "up")


def connect(folder: Folder, node: str) -> None:
    """Give a node's host, which runs, its link and address, where it has a network of its own."""
    link, host = _link(folder, node), on(folder, node)
    if node_address(folder, node) == LOOPBACK or Path("/sys/class/net", link).exists():
        return
    pid = host[1].partition("=")[2]
    _ip("link", "add", link, "master", bridge(folder), "up", "type", "veth", "peer", "name", INTERFACE, "netns", pid)
    _ip("link", "set", "lo", "up", on=host)
    _ip("address", "add", f"{node_address(folder, node)}/24", "dev", INTERFACE, on=host)
    _ip("link", "set", INTERFACE, "up", on=host)


def remove_links(folder: Folder) -> None:
    """Remove the bridge and the links. A link goes without this, a little later, when its host has ended."""

    def gone() -> bool:
        left = list(Path("/sys/class/net").glob(f"{bridge(folder)}*"))
        for path in left:
            with contextlib.suppress(ClusterError):
                _ip("link", "delete", path.name)
        return not left

    process.wait_until("no link of the cluster is left", gone, seconds=20)


def set_link(folder: Folder, node: str, state: str) -> None:
    """Take a host's link `up` or `down`. ClusterError where the nodes share this machine's network."""
    if node_address(folder, node) == LOOPBACK:
        raise ClusterError(f"{node} has no link of its own: {problem() or 'the cluster was started without'}")
    _ip("link", "set", _link(folder, node), state)


def bridge(folder: Folder) -> str:
    """The name of the bridge, with which those of the links begin."""
    return f"s{folder.name.removeprefix('private')}"  # an interface's name may have 15 characters


def _link(folder: Folder, node: str) -> str:
    return f"{bridge(folder)}-{node.rpartition('-n')[2]}"


def _ip(*words: str, on: list[str] | None = None) -> str:
    done = subprocess.run([*(on or ()), "ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise ClusterError(f"ip {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout
