"""The daemons: with which command each starts, and how one sees that it answers.

One node's daemon is called `slurmd`. Of several nodes each has its own, `slurmd@<node>`, on a host of its own, `host@<node>` (`hosts.py`).
"""

import re
import socket

from ..private import process
from . import hosts
from .commands import answers
from .folder import Folder

SERVERS = ("munged", "mariadbd", "slurmdbd", "slurmctld")
"""In the order in which they start."""
DAEMONS = (*SERVERS, "slurmd")
"""Those of a cluster of one node."""
LOG_FILE_SIZE = "16M"
"""Of the database, whose own choice of 96 MB takes longer to write than all the rest."""


def nodes(folder: Folder) -> list[str]:
    """The nodes that the configuration names; the only one where there is no configuration yet."""
    conf = folder.slurm_conf
    return re.findall(r"^NodeName=(\S+)", conf.read_text(), re.MULTILINE) if conf.exists() else [folder.name]


def daemon_of(folder: Folder, node: str) -> str:
    """What the slurmd of a node is called here."""
    return "slurmd" if node == folder.name else f"slurmd@{node}"


def names(folder: Folder) -> tuple[str, ...]:
    """All daemons of the cluster, in the order in which they start."""
    return (*SERVERS, *(f"host@{node}" for node in hosted(folder)), *(daemon_of(folder, node) for node in nodes(folder)))


def hosted(folder: Folder) -> list[str]:
    """The nodes with a host of their own: all, where there are several."""
    return [node for node in nodes(folder) if node != folder.name]


def command(folder: Folder, daemon: str) -> list[str]:
    """The command of one daemon, in the foreground, so that its process id is known and nothing else writes its pid file."""
    program, _, node = daemon.partition("@")
    if program == "host":
        return hosts.command(folder, node)
    words = [program, *_arguments(folder, program, node or folder.name)]
    return [*hosts.on(folder, node), *words] if node else words


def _arguments(folder: Folder, program: str, node: str) -> list[str]:
    run = folder.root / "run"
    return {
        "munged": [
            "--foreground",
            "--force",  # as root, in a folder closed to others: munged takes both for mistakes
            f"--socket={folder.munge_socket}",
            f"--key-file={folder.munge_key}",
            f"--pid-file={run}/munged.own.pid",
            f"--seed-file={run}/munge.seed",
        ],
        "mariadbd": [
            "--no-defaults",
            "--user=root",
            f"--datadir={folder.database}",
            f"--tmpdir={run}",
            f"--socket={folder.database_socket}",
            f"--port={port(folder, 'StoragePort')}",
            "--bind-address=127.0.0.1",
            f"--pid-file={run}/mariadbd.own.pid",
            f"--log-error={folder.log('mariadbd')}",
            f"--init-file={folder.database_setup}",
            f"--innodb-log-file-size={LOG_FILE_SIZE}",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-lock-wait-timeout=900",  # what slurmdbd asks for
        ],
        "slurmdbd": ["-D"],
        "slurmctld": ["-D", "-f", str(folder.slurm_conf)],
        "slurmd": ["-D", "-f", str(folder.slurm_conf), "-N", node],
    }[program]


def is_ready(folder: Folder, daemon: str) -> bool:
    """Whether the daemon answers now. Asks no daemon that would start later."""
    if daemon == "munged":
        return answers(folder, "munge", "--no-input", f"--socket={folder.munge_socket}")
    if daemon == "mariadbd":
        return _connects(port(folder, "StoragePort"))
    if daemon.startswith("host@"):
        return process.find(folder, daemon) is not None
    if daemon == "slurmdbd":
        return _connects(port(folder, "DbdPort")) and answers(folder, "sacctmgr", "-nP", "show", "cluster")
    if daemon == "slurmctld":
        return answers(folder, "scontrol", "ping")
    node = daemon.partition("@")[2] or folder.name
    return _connects(_port_of(folder, node), hosts.node_address(folder, node))


def port(folder: Folder, key: str) -> int:
    """The port that the configuration names so."""
    for name in ("slurm.conf", "slurmdbd.conf"):
        if found := re.search(rf"^{key}=(\d+)$", folder.slurm_conf.with_name(name).read_text(), re.MULTILINE):
            return int(found[1])
    raise KeyError(key)


def _port_of(folder: Folder, node: str) -> int:
    """The port of a node's slurmd."""
    found = re.search(rf"^NodeName={re.escape(node)} .*\bPort=(\d+)", folder.slurm_conf.read_text(), re.MULTILINE)
    if found is None:
        raise KeyError(node)
    return int(found[1])


def end_of_log(folder: Folder, daemon: str) -> str:
    """The last lines that a daemon wrote, for a person who must find out why it ended."""
    log = folder.log(daemon)
    written = [path for path in (log, log.with_suffix(".out")) if path.exists()]
    return "\n".join(line for path in written for line in path.read_text(errors="replace").splitlines()[-5:])


def _connects(number: int, address: str = hosts.LOOPBACK) -> bool:
    try:
        socket.create_connection((address, number), timeout=2).close()
    except OSError:
        return False
    return True
