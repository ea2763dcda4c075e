"""The services of a working directory on one more host, which shares the files, but no sockets and, where so wished, no kernel locks.

Such locks (`flock`) hold on one host alone where a file system is mounted with `localflock` or `nolock`.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home
from padocc_dagster.services.serving import serving
from padocc_dagster.services.supervisor import Services
from padocc_dagster_tests.cleanup import IfKilled
from padocc_dagster_tests.slurm.live.conftest import ROOT, LiveSlurm

OWN_SOCKETS = 'set -e; cd "$0"; mount -t tmpfs -o mode=0700 tmpfs "$1"'
OWN_LOCKS = """
mkdir -p slurm/locks
mount -t tmpfs tmpfs slurm/locks
for lock in up.lock slurm/queue.lock slurm/reconcile.lock; do
    own="$1/$(basename "$lock")"; touch "$lock" "$own"; mount --bind "$own" "$lock"
done"""


def command(live: LiveSlurm, node: str, module: str, locks_are_shared: bool) -> list[str]:
    """It runs on the host of a node, in process and mount namespaces of its own: as on a real host, it sees no process of another."""
    home = live.services.home
    script = f'{OWN_SOCKETS}{"" if locks_are_shared else OWN_LOCKS}\nshift; exec "$@"'
    unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    program = [sys.executable, "-m", __name__, str(home.workdir.root), module]
    return [*live.cluster.on(node), *unshare, "sh", "-c", script, str(home.root), str(home.socket.parent), *program]


@contextlib.contextmanager
def served_on(live: LiveSlurm, node: str, module: str) -> Iterator[None]:
    """The services run there, too, within the block. Then the host is switched off."""
    argv, log = command(live, node, module, locks_are_shared=False), live.ledger.with_name("second-host.log")
    with open(log, "wb") as output:
        second = subprocess.Popen(argv, cwd=ROOT, stdout=output, stderr=output)

    def is_up() -> bool:
        assert second.poll() is None, log.read_text()
        return "serves\n" in log.read_text()

    with IfKilled("kill", "-KILL", str(second.pid)):
        try:
            live.wait("the services of the second host", is_up)
            yield
            assert second.poll() is None, log.read_text()
        finally:
            second.kill()
            second.wait()


def main(root: str, module: str) -> None:
    home = Home(Workdir(Path(root)))
    with serving(Services(home.workdir, module=module, web=False)) as services:
        print("serves", flush=True)
        services.watch()


if __name__ == "__main__":
    os.environ.pop("WORKDIR", None)
    main(*sys.argv[1:])
