"""The first process of the machine of `nfs.py`: an NFS server, and hosts that have its folder mounted, on each of which commands can run.

A host is a UTS, a network and a mount namespace, so each is a client of its own to the server. Requests come as lines of JSON on the
serial line, and so go the answers. When the line closes, the machine ends. The standard library alone, for this runs before all else.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
import tty
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any, BinaryIO

HOSTS = {"one": "10.9.0.11", "two": "10.9.0.12"}
SERVER, SHARED, EXPORT, TEMPORARY = "10.9.0.1", "/run/shared", "/run/export", "/run/temporary"
FOR_EVER = 2**31 - 1
EXPORT_OPTIONS = 0x2 | 0x400 | 0x2000
"""Any port, no check of subtrees, and the number that makes it the root (`include/uapi/linux/nfsd/export.h`)."""
INIT_MODULE, POWER_OFF = 313, 0x4321FEDC
libc = ctypes.CDLL(None, use_errno=True)


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def load(modules: Path, *names: str) -> None:
    """Load kernel modules after those that they need."""
    needs = {Path(line.partition(":")[0]): line.partition(":")[2].split() for line in (modules / "modules.dep").read_text().splitlines()}
    loaded = set()
    for name in names:
        path = next(path for path in needs if path.stem == name)
        for each in (*reversed(needs[path]), str(path)):
            if each not in loaded:
                loaded.add(each)
                with open(modules / each, "rb") as file:
                    if libc.syscall(INIT_MODULE, file.fileno(), b"", 0):
                        raise OSError(ctypes.get_errno(), f"{each} cannot be loaded")


def serve() -> None:
    """Export a file system in memory. What `exportfs` and `rpc.mountd` would answer the kernel's server is written beforehand."""
    run("ip", "link", "add", "name", "bridge0", "type", "bridge")
    run("ip", "address", "add", f"{SERVER}/24", "dev", "bridge0")
    run("ip", "link", "set", "bridge0", "up")
    run("mount", "-t", "tmpfs", "tmpfs", EXPORT)
    run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
    tell("nfsd", "versions", "-3 +4 +4.1 +4.2")
    os.mkdir(f"{EXPORT}-clients")
    tell("nfsd", "nfsv4recoverydir", f"{EXPORT}-clients")  # no client is in it, so the server waits for none to come back
    tell("nfsd", "nfsv4leasetime", "10")
    tell("nfsd", "nfsv4gracetime", "10")
    tell("nfsd", "threads", "8")
    for address in HOSTS.values():
        tell("rpc", "auth.unix.ip/channel", f"nfsd {address} {FOR_EVER} all")
    tell("rpc", "nfsd.fh/channel", f"all 1 \\x00000000 {FOR_EVER} {EXPORT}")
    tell("rpc", "nfsd.export/channel", f"all {EXPORT} {FOR_EVER} {EXPORT_OPTIONS} 65534 65534 0")


def tell(part: str, name: str, text: str) -> None:
    folder = {"nfsd": Path("/proc/fs/nfsd"), "rpc": Path("/proc/net/rpc")}[part]
    with open(folder / name, "wb", buffering=0) as file:
        file.write(f"{text}\n".encode())


def make_host(name: str, address: str) -> list[str]:
    """A host with the folder mounted; returns the words before a command that runs there."""
    keep = 'hostname "$0" && echo && exec sleep infinity'
    keeper = subprocess.Popen(["unshare", "--net", "--uts", "--mount", "sh", "-c", keep, name], stdout=subprocess.PIPE)
    assert keeper.stdout
    keeper.stdout.readline()
    on = ["nsenter", f"--target={keeper.pid}", "--net", "--uts", "--mount"]
    run("ip", "link", "add", name, "master", "bridge0", "up", "type", "veth", "peer", "name", "eth0", "netns", str(keeper.pid))
    run(*on, "ip", "link", "set", "lo", "up")
    run(*on, "ip", "address", "add", f"{address}/24", "dev", "eth0")
    run(*on, "ip", "link", "set", "eth0", "up")
    options = f"vers=4.2,hard,timeo=30,addr={SERVER},clientaddr={address}"
    run(*on, "mount", "-i", "-t", "nfs4", "-o", options, f"{SERVER}:/", SHARED)
    return on


class Commands:
    """What runs on the hosts, by the number that the request gave it."""

    def __init__(self, hosts: dict[str, list[str]], line: BinaryIO) -> None:
        self.hosts, self.line = hosts, line
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.lock = threading.Lock()

    def answer(self, **fields: Any) -> None:
        with self.lock:
            self.line.write(json.dumps(fields).encode() + b"\n")
            self.line.flush()

    def carry_out(self, request: dict[str, Any]) -> None:
        if "kill" in request:
            os.killpg(self.running[request["kill"]].pid, signal.SIGKILL)
            return
        on = self.hosts.get(request["host"], [])
        words = [*on, *request["argv"]]
        process = subprocess.Popen(
            words, env=request["environment"], stdin=subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
        self.running[request["number"]] = process
        threading.Thread(target=self._wait, args=(request["number"], process), daemon=True).start()

    def _wait(self, number: int, process: subprocess.Popen[bytes]) -> None:
        output, _ = process.communicate()
        self.answer(number=number, status=process.returncode, output=output.decode(errors="replace"))


def main() -> None:
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    run("mount", "-t", "proc", "proc", "/proc")
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.mkdir("/dev/shm")
    for folder in (EXPORT, SHARED, TEMPORARY):
        os.mkdir(folder)
    load(Path(sys.argv[1]) / os.uname().release, "nfsv4", "nfsd", "veth", "bridge")
    serve()
    hosts = {name: make_host(name, address) for name, address in HOSTS.items()}
    with open("/dev/ttyS0", "rb") as requests, open("/dev/ttyS0", "wb") as answers:
        tty.setraw(requests.fileno())
        commands = Commands(hosts, answers)
        commands.answer(number=0, status=0, output=os.uname().release)
        for request in requests:
            commands.carry_out(json.loads(request))


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
    libc.reboot(POWER_OFF)
