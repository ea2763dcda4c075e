"""The five daemons: with which arguments each starts, and how one sees that it answers."""

import re
import socket

from .commands import answers
from .folder import Folder

DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
"""In the order in which they start."""
LOG_FILE_SIZE = "16M"
"""Of the database, whose own choice of 96 MB takes longer to write than all the rest."""


def arguments(folder: Folder, daemon: str) -> list[str]:
    """The command line of one daemon, in the foreground, so that its process id is known and nothing else writes its pid file."""
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
        "slurmd": ["-D", "-f", str(folder.slurm_conf), "-N", folder.cluster_name],
    }[daemon]


def is_ready(folder: Folder, daemon: str) -> bool:
    """Whether the daemon answers now. Asks no daemon that would start later."""
    if daemon == "munged":
        return answers(folder, "munge", "--no-input", f"--socket={folder.munge_socket}")
    if daemon == "mariadbd":
        return _connects(port(folder, "StoragePort"))
    if daemon == "slurmdbd":
        return _connects(port(folder, "DbdPort")) and answers(folder, "sacctmgr", "-nP", "show", "cluster")
    if daemon == "slurmctld":
        return answers(folder, "scontrol", "ping")
    return _connects(port(folder, "SlurmdPort"))


def port(folder: Folder, key: str) -> int:
    """The port that the configuration names so."""
    for name in ("slurm.conf", "slurmdbd.conf"):
        if found := re.search(rf"^{key}=(\d+)$", folder.slurm_conf.with_name(name).read_text(), re.MULTILINE):
            return int(found[1])
    raise KeyError(key)


def end_of_log(folder: Folder, daemon: str) -> str:
    """The last lines that a daemon wrote, for a person who must find out why it ended."""
    log = folder.log(daemon)
    written = [path for path in (log, log.with_suffix(".out")) if path.exists()]
    return "\n".join(line for path in written for line in path.read_text(errors="replace").splitlines()[-5:])


def _connects(number: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", number), timeout=2).close()
    except OSError:
        return False
    return True
