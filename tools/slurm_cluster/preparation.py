"""Puts on disk what the daemons need: configuration with fresh ports, munge's key, the database's first files."""

import secrets
import shutil

from . import configuration, hosts, machine
from .commands import run
from .configuration import Size
from .daemons import LOG_FILE_SIZE
from .folder import Folder


def write(folder: Folder, size: Size) -> None:
    """Write the configuration, with ports that are free now, and make once what is kept: key and database."""
    slurmctld, slurmdbd, database, *slurmd = machine.free_ports(3 + size.nodes)
    ports, password = configuration.Ports(slurmctld, tuple(slurmd), slurmdbd, database), secrets.token_hex(16)
    network = hosts.free_network() if size.nodes > 1 and not hosts.problem() else ""
    etc = folder.slurm_conf.parent
    texts = {
        folder.slurm_conf: configuration.slurm_conf(folder, size, ports, machine.host(), network),
        etc / "slurmdbd.conf": configuration.slurmdbd_conf(folder, ports, password),
        etc / "cgroup.conf": configuration.cgroup_conf(machine.cgroup_plugin() or ""),
        folder.database_setup: configuration.database_setup(password),
    }
    for path, text in texts.items():
        path.touch(mode=0o600)
        path.write_text(text)
    if not folder.munge_key.exists():
        folder.munge_key.touch(mode=0o600)
        folder.munge_key.write_bytes(secrets.token_bytes(128))
    if not folder.database.exists():
        _make_database(folder)


def _make_database(folder: Folder) -> None:
    half_made = folder.database.with_name("database.half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    options = ("--no-defaults", "--user=root", "--skip-test-db", "--auth-root-authentication-method=socket")
    # A server that starts removes what others keep in the same folder for temporary tables.
    own = (f"--innodb-log-file-size={LOG_FILE_SIZE}", f"--datadir={half_made}", f"--tmpdir={folder.root / 'run'}")
    run(folder, "mariadb-install-db", *options, *own, seconds=120)
    half_made.rename(folder.database)
