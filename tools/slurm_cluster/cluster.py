"""One private cluster: its daemons started in order, each waited for, watched, broken on purpose, and stopped."""

import fcntl
import os
import signal as signals
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import accounting, jobs, machine, preparation, process
from .commands import run
from .configuration import Size
from .daemons import DAEMONS, arguments, end_of_log, is_ready
from .folder import ClusterError, Folder


class Cluster:
    """A SLURM of one node that lives in one folder and touches no other SLURM.

        cluster = Cluster(folder)
        cluster.start()
        subprocess.run(["sbatch", …], env=os.environ | cluster.environment())
        cluster.stop()

    `cpus` may be more than the machine has; `memory_mib` is what jobs may ask for together, 70 % of the machine's by default;
    a finished job stays known to `scontrol` and `squeue` for `min_job_age_seconds` (2 is SLURM's least).
    All three count from the next start of a cluster of which nothing runs.
    """

    def __init__(self, directory: Path, cpus: int | None = None, memory_mib: int | None = None, min_job_age_seconds: int = 300) -> None:
        self.folder = Folder(Path(directory).expanduser().resolve())
        cpus = max(4, os.cpu_count() or 1) if cpus is None else cpus
        memory_mib = machine.memory_mib() * 7 // 10 if memory_mib is None else memory_mib
        self.size = Size(cpus, memory_mib, min_job_age_seconds)

    def environment(self) -> dict[str, str]:
        """What SLURM's commands need in their environment to speak with this cluster."""
        return {"SLURM_CONF": str(self.folder.slurm_conf)}

    @property
    def node(self) -> str:
        """The name of the only node."""
        return self.folder.cluster_name

    def command(self, *words: str) -> str:
        """What one of SLURM's commands prints; ClusterError with its words when it fails."""
        return run(self.folder, *words)

    def running(self) -> dict[str, int | None]:
        """The process id of each daemon, None for one that does not run."""
        return {name: process.find(self.folder, name) for name in DAEMONS}

    def start(self) -> bool:
        """Start what does not run, and return when the node is up; False if all ran already.

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

    def start_daemon(self, name: str) -> None:
        """Start one daemon unless it runs, and return when it answers; ClusterError with the end of its log if it does not."""
        if process.find(self.folder, name) is None:
            process.spawn(self.folder, name, arguments(self.folder, name))

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

    def drain(self, reason: str = "drained on purpose") -> None:
        """Let the node finish its jobs and take no new ones."""
        self.command("scontrol", "update", f"NodeName={self.node}", "State=DRAIN", f"Reason={reason}")

    def set_down(self, reason: str = "set down on purpose") -> None:
        """Fail the node: its jobs end NODE_FAIL, or go back to the queue where they may.

        The node is up again when its slurmd next registers, within seconds; one whose slurmd was stopped before stays down.
        """
        self.command("scontrol", "update", f"NodeName={self.node}", "State=DOWN", f"Reason={reason}")

    def resume(self) -> None:
        """Let the node take jobs again, after drain() or set_down()."""
        try:
            self.command("scontrol", "update", f"NodeName={self.node}", "State=RESUME")
        except ClusterError:  # SLURM refuses to resume a node that is up
            if not self.node_state().startswith(("idle", "mixed", "allocated")):
                raise

    def node_state(self) -> str:
        """SLURM's word for the node's state, such as idle, mixed, drained or down*."""
        return self.command("sinfo", "-h", "-p", "main", "-o", "%T").strip()

    def _start_daemons(self) -> None:
        for name in DAEMONS:
            self.start_daemon(name)
            if name == "slurmdbd":
                accounting.register(self.folder, self.size)
        process.wait_until("the node is up", lambda: not self.node_state().startswith(("unknown", "down", "idle*")))

    def _end_daemons(self) -> None:
        process.end(self.folder, "slurmd")  # first, so that it starts no more jobs while they are ended
        jobs.end_all(self.folder)
        for name in reversed(DAEMONS):
            process.end(self.folder, name)

    def _cancel_jobs(self) -> None:
        if ids := self.command("squeue", "-h", "-o", "%A").split():
            self.command("scancel", *ids)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
