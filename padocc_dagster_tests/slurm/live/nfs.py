"""Two hosts that share a folder over NFS: a Linux kernel in user space (Debian's `user-mode-linux`) with the kernel's server and clients.

It needs neither KVM nor anything of this machine's kernel. Programs and files are those of this machine.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.slurm.live import nfs_inside

KERNEL, MODULES, ROOT = "linux.uml", Path("/usr/lib/uml/modules"), Path(__file__).parents[3]
SHARED = Path(nfs_inside.SHARED)
START_SECONDS, PATIENCE = 60, 200


@dataclass
class Command:
    """A command on one of the hosts."""

    machine: "Machine"
    number: int
    ended: threading.Event = field(default_factory=threading.Event)
    status: int | None = None
    output: str = ""

    def wait(self, seconds: float = PATIENCE) -> str:
        """What it has printed, once it has ended well."""
        assert self.end(seconds) == 0, self.output
        return self.output

    def end(self, seconds: float = PATIENCE) -> int | None:
        """Its exit status, once it has ended."""
        assert self.ended.wait(seconds), f"waited {seconds:.0f} s in vain for the end of a command"
        return self.status

    def kill(self) -> None:
        self.machine.send(kill=self.number)


class Machine:
    """The machine, while it runs."""

    def __init__(self, folder: Path, kernel: str, modules: Path) -> None:
        requests, self._requests = os.pipe()
        answers, ours = os.pipe()
        self._answers = os.fdopen(answers, "rb")
        options = ["mem=768M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", f"uml_dir={folder}", "umid=nfs"]
        lines = ["con=null", "con0=null,fd:1", "ssl=null", f"ssl0=fd:{requests},fd:{ours}"]
        program = [f"init={sys.executable}", "--", "-I", nfs_inside.__file__, str(modules)]
        with open(folder / "console", "wb") as console:
            self.process = subprocess.Popen(
                [kernel, *options, *lines, *program],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, pass_fds=(requests, ours), preexec_fn=dies_with_parent(),
                env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "HOME": str(folder)}, start_new_session=True,
            )  # fmt: skip
        os.close(requests)
        os.close(ours)
        self.commands = {0: Command(self, 0)}
        threading.Thread(target=self._read, daemon=True).start()
        if not self.commands[0].ended.wait(START_SECONDS):
            self.stop()
            raise AssertionError(f"the machine does not start: {(folder / 'console').read_text(errors='replace')[-3000:]}")

    def start(self, host: str, *argv: str | Path) -> Command:
        """Start a command on `one`, `two`, or the server (any other name)."""
        command = Command(self, len(self.commands))
        self.commands[command.number] = command
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": nfs_inside.TEMPORARY}
        self.send(number=command.number, host=host, argv=list(map(str, argv)), environment=environment)
        return command

    def python(self, host: str, code: str, *arguments: str | Path) -> Command:
        return self.start(host, sys.executable, "-c", code, *arguments)

    def cut(self, host: str) -> None:
        """Take a host's link down."""
        self.start("server", "ip", "link", "set", host, "down").wait()

    def heal(self, host: str) -> None:
        self.start("server", "ip", "link", "set", host, "up").wait()

    def send(self, **request: Any) -> None:
        os.write(self._requests, json.dumps(request).encode() + b"\n")

    def stop(self) -> None:
        os.close(self._requests)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()

    def _read(self) -> None:
        for line in self._answers:
            if not line.startswith(b"{"):
                continue
            answer = json.loads(line)
            command = self.commands[answer["number"]]
            command.status, command.output = answer["status"], answer["output"]
            command.ended.set()


def problem() -> str:
    """Why there can be no such machine here; empty if there can."""
    missing = [name for name in (KERNEL, "ip") if shutil.which(name) is None]
    return f"no live NFS: not installed: {', '.join(missing)}: run apt-get install user-mode-linux iproute2" if missing else ""


@contextmanager
def running(folder: Path, kernel: str = KERNEL, modules: Path = MODULES) -> Iterator[Machine]:
    machine = Machine(folder, kernel, modules)
    try:
        yield machine
    finally:
        machine.stop()
