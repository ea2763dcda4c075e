"""A private Postgres for tests: its own data folder and port, a password, started and stopped at will."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from padocc_dagster_tests.cleanup import IfKilled

USER, DATABASE, PASSWORD = "dagster", "dagster", "a secret that must be seen nowhere"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, on PATH or where Debian keeps them."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


class Postgres:
    """One server over `folder`, which root gives to the user `postgres`: Postgres does not run as root.

    It answers at loopback, and at one more address of this machine to all hosts whose first three numbers are the same.
    """

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder, self.bin, self.address = folder, programs(), address
        assert self.bin is not None, "no Postgres is installed: apt-get install postgresql"
        self.user = "postgres" if os.getuid() == 0 else None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def environment(self) -> dict[str, str]:
        """What deploy/slurm/dagster.yaml wants to know."""
        names = {"HOST": self.address, "NAME": DATABASE, "USER": USER, "PASSWORD": PASSWORD}
        return {f"PADOCC_DAGSTER_DB_{name}": value for name, value in names.items()}

    def create(self) -> None:
        self.folder.mkdir(parents=True)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.user:
            entry = pwd.getpwnam(self.user)
            for path in (self.folder, password):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(password), "--no-sync")
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.address}/24 scram-sha-256\n")
        self.start()
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        command = [str(self.bin / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, DATABASE]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    def start(self) -> None:
        """Start the server. It ends, and its folder is removed, when the process of the tests is killed."""
        addresses = ",".join({"127.0.0.1", self.address})
        options = f"-p {self.port} -c listen_addresses={addresses} -c unix_socket_directories='' -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        self.guard = IfKilled(sys.executable, "-m", __name__, self.folder)

    def stop(self) -> None:
        self._stop()
        self.guard.cancel()

    def _stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *options: str) -> None:
        command = [str(self.bin / program), *options]
        done = subprocess.run(command, user=self.user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode()


if __name__ == "__main__":
    left = Postgres(Path(sys.argv[1]))
    try:
        left._stop()
    finally:
        shutil.rmtree(left.folder)
