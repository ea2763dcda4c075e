"""One private cluster: its daemons started in order, each waited for, watched, broken on purpose, and stopped."""

import fcntl
import os
import signal as signals
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..private import process
from ..private.folder import ClusterError
from . import accounting, hosts, jobs, machine, preparation
from .commands import run
from .configuration import Size
from .daemons import SERVERS, command, daemon_of, end_of_log, hosted, is_ready, names, nodes
from .folder import Folder


class Cluster:
    """A SLURM of one or several nodes that lives in one folder and touches no other SLURM.

        cluster = Cluster(folder)
        cluster.start()
        subprocess.run(["sbatch", …], env=os.environ | cluster.environment())
        cluster.stop()

    `cpus` of a node may be more than the machine has; `memory_mib` is what the jobs of a node may request together, 70 % of the machine's
    over all nodes by default; a finished job stays known to `scontrol` and `squeue` for `min_job_age_seconds` (2 is SLURM's least).
    These and the number of nodes count from the next start of a cluster of which nothing runs.
    """

    def __init__(
        self,
        directory: Path,
        cpus: int | None = None,
        memory_mib: int | None = None,
        min_job_age_seconds: int = 300,
        nodes: int = 1,
    ) -> None:
        self.folder = Folder(Path(directory).expanduser().resolve())
        cpus = max(4, os.cpu_count() or 1) if cpus is None else cpus
        memory_mib = machine.memory_mib() * 7 // 10 // nodes if memory_mib is None else memory_mib
        self.size = Size(cpus, memory_mib, min_job_age_seconds, nodes)

    def environment(self) -> dict[str, str]:
        """What SLURM's commands need in their environment to speak with this cluster."""
        return {"SLURM_CONF": str(self.folder.slurm_conf)}

    @property
    def node(self) -> str:
        """The name of the first node."""
        return self.nodes[0]

    @property
    def nodes(self) -> list[str]:
        """The names of all nodes."""
        return nodes(self.folder)

    @property
    def address(self) -> str:
        """This machine's address as the nodes see it."""
        return hosts.address(self.folder)

    def on(self, node: str) -> list[str]:
        """The words before a command that runs it on the host of a node, with that host's name and network. There must be several nodes."""
        return hosts.on(self.folder, node)

    def command(self, *words: str) -> str:
        """What one of SLURM's commands prints; ClusterError with its words when it fails."""
        return run(self.folder, *words)

    def running(self) -> dict[str, int | None]:
        """The process id of each daemon, None for one that does not run."""
        return {name: process.find(self.folder, name) for name in names(self.folder)}

    def start(self) -> bool:
        """Start what does not run, and return when all nodes are up; False if all ran already.

        Raises ClusterError with one sentence for what the machine lacks, or for a daemon that does not come up.
        """
        if problems := machine.problems():
            raise ClusterError("; ".join(problems))
        self.folder.make()
        with self._locked():
            running = self.running()
            if all(running.values()):
                return False
            if any(running.values()):
                self._start_daemons()
                return True
            jobs.end_all(self.folder)
            hosts.remove_links(self.folder)
            preparation.write(self.folder, self.size)
            try:
                self._start_daemons()
            except BaseException:
                self._end_daemons()
                raise
        return True

    def stop(self) -> bool:
        """End the cluster's jobs and daemons, and nothing else; False if none ran. The folder stays, with the accounting."""
        if not self.folder.root.is_dir():
            return False
        with self._locked():
            ran = any(self.running().values())
            if process.find(self.folder, "slurmctld"):
                self.kill("slurmctld", signals.SIGCONT)  # halted, it could not cancel jobs and would run them at the next start
                with suppress(ClusterError):  # one that cannot answer is ended all the same, and so are the jobs' processes
                    self._cancel_jobs()
            self._end_daemons()
        return ran

    def start_daemon(self, name: str, *options: str) -> None:
        """Start one daemon unless it runs, and return when it answers; ClusterError with the end of its log if it does not.

        `slurmctld` with `-c` starts without its state, and forgets all jobs.
        """
        if process.find(self.folder, name) is None:
            process.spawn(self.folder, name, [*command(self.folder, name), *options])

        def ready() -> bool:
            if process.find(self.folder, name) is None:
                raise ClusterError(f"{name} ended while it started, see {self.folder.log(name)}:\n{end_of_log(self.folder, name)}")
            return is_ready(self.folder, name)

        process.wait_until(f"{name} answers (its log: {self.folder.log(name)})", ready)

    def stop_daemon(self, name: str) -> None:
        """End one daemon as its service would, and return when it is gone."""
        process.end(self.folder, name)

    def kill(self, name: str, signal: int = signals.SIGKILL) -> None:
        """Send a daemon a signal; after SIGKILL, return when it is gone."""
        if signal == signals.SIGKILL:
            process.end(self.folder, name, signal)
        elif pid := process.find(self.folder, name):
            os.kill(pid, signal)

    def lose(self, node: str) -> None:
        """Kill a node's slurmd and each slurmstepd on it: SLURM hears no more of it, and what its jobs have started may live on."""
        daemon = daemon_of(self.folder, node)
        self.kill(daemon)
        for pid in jobs.stepds(self.folder, f"log/{daemon}.log"):
            with suppress(ProcessLookupError):
                os.kill(pid, signals.SIGKILL)

    def cut(self, node: str) -> None:
        """Take down the link of a node's host: nothing there is reached any more, and all of it lives on.

        ClusterError where nodes have no links: `hosts.problem` says why.
        """
        hosts.set_link(self.folder, node, "down")

    def heal(self, node: str) -> None:
        """Take the link of a node's host up again, after cut()."""
        hosts.set_link(self.folder, node, "up")

    def drain(self, reason: str = "drained on purpose", node: str = "") -> None:
        """Let a node, the first by default, finish its jobs and take no new ones."""
        self.command("scontrol", "update", f"NodeName={node or self.node}", "State=DRAIN", f"Reason={reason}")

    def set_down(self, reason: str = "set down on purpose", node: str = "") -> None:
        """Fail a node: its jobs end NODE_FAIL, or go back to the queue where they may.

        The node is up again when its slurmd next registers, within seconds; one whose slurmd was stopped before stays down.
        """
        self.command("scontrol", "update", f"NodeName={node or self.node}", "State=DOWN", f"Reason={reason}")

    def resume(self, node: str = "") -> None:
        """Let a node take jobs again, after drain() or set_down()."""
        try:
            self.command("scontrol", "update", f"NodeName={node or self.node}", "State=RESUME")
        except ClusterError:  # SLURM refuses to resume a node that is up
            if not self.node_state(node).startswith(("idle", "mixed", "allocated")):
                raise

    def node_state(self, node: str = "") -> str:
        """SLURM's word for a node's state, such as idle, mixed, drained or down*."""
        return self.command("sinfo", "-h", "-p", "main", "-n", node or self.node, "-o", "%T").strip()

    def _start_daemons(self) -> None:
        hosts.make_bridge(self.folder)
        for name in names(self.folder):
            self.start_daemon(name)
            if name == "slurmdbd":
                accounting.register(self.folder, self.size)
            if name.startswith("host@"):
                hosts.connect(self.folder, name.partition("@")[2])
        for node in self.nodes:
            process.wait_until(f"{node} is up", lambda node=node: not self.node_state(node).startswith(("unknown", "down", "idle*")))

    def _end_daemons(self) -> None:
        for node in self.nodes:  # first, so that they start no more jobs while these are ended
            process.end(self.folder, daemon_of(self.folder, node))
        jobs.end_all(self.folder)
        for node in hosted(self.folder):
            process.end(self.folder, f"host@{node}")
        hosts.remove_links(self.folder)
        for name in reversed(SERVERS):
            process.end(self.folder, name)

    def _cancel_jobs(self) -> None:
        if ids := self.command("squeue", "-h", "-o", "%A").split():
            self.command("scancel", *ids)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
