"""A real sshd on this machine, and a `~/.ssh/config` of a test's own that shares one connection, as docs/slurm.md has it."""

import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from padocc_dagster.services.network import LOOPBACK, free_port
from padocc_dagster.services.processes import dies_with_parent

PAGE = Path(__file__).parents[2] / "docs" / "slurm.md"
SHARED = re.compile(r"^    Host login1\n((?:        .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Sshd:
    """The server. `prefix` reaches it, over a connection that is shared."""

    folder: Path
    prefix: tuple[str, ...]

    def connections(self) -> int:
        """How many were made so far."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    def close_shared(self) -> None:
        """End the shared connection."""
        subprocess.run([*self.prefix[:-1], "-O", "exit", self.prefix[-1]], capture_output=True, timeout=30, check=True)


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Serve this user for the block."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("needs Debian's packages openssh-server and openssh-client; live")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops its rights
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True, timeout=60)
    port, user = free_port(), pwd.getpwuid(os.getuid()).pw_name
    server = ["StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin prohibit-password", "LogLevel VERBOSE"]
    server += [
        f"Port {port}",
        f"ListenAddress {LOOPBACK}",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/user.pub",
        "PidFile none",
    ]
    (folder / "sshd_config").write_text("\n".join(server) + "\n")
    found = SHARED.search(PAGE.read_text(encoding="utf-8"))
    assert found, "docs/slurm.md has no lines for ~/.ssh/config"
    # ssh takes the first value of each: the test's own socket, not the one in ~/.ssh
    client = [f"HostName {LOOPBACK}", f"Port {port}", f"User {user}", f"IdentityFile {folder}/user", f"ControlPath {folder}/%C"]
    client += [f"UserKnownHostsFile {folder}/known", "StrictHostKeyChecking accept-new"]
    (folder / "config").write_text("Host login1\n" + "\n".join(client) + "\n" + found[1])
    process = subprocess.Popen([program, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")], preexec_fn=dies_with_parent())
    server_here = Sshd(folder, ("ssh", "-F", str(folder / "config"), "login1"))
    try:
        _wait(server_here, process)
        yield server_here
    finally:
        subprocess.run([*server_here.prefix[:-1], "-O", "exit", "login1"], capture_output=True, timeout=30)
        process.terminate()
        process.wait(30)


def _wait(server: Sshd, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while "Server listening" not in ((server.folder / "log").read_text() if (server.folder / "log").exists() else ""):
        assert process.poll() is None and time.monotonic() < deadline, "sshd does not listen"
        time.sleep(0.05)
