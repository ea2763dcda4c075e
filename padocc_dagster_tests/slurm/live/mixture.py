"""Several faults at once: a mixture drawn by the seed, thrown at many runs at work, while services and daemons are killed beside it."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from padocc_dagster_tests.slurm.live.conftest import LiveSlurm
from padocc_dagster_tests.slurm.live.faults import CANCELLED, COMPLETED, fault
from padocc_dagster_tests.slurm.live.steps import gate, worker
from tools.private.folder import ClusterError

SEED = "FAULT_SEED"
"""The seed of the fault suite, in the environment."""
FEW, MANY = 7, 20
"""Runs in `make test`, one of each kind, and in the fault suite."""
BESIDE = "while services, daemons and nodes fail"
FAULTS = {
    "mixed plain": fault(f"it works {BESIDE}"),
    "mixed greedy": fault(f"it needs more memory than requested {BESIDE}", "OUT_OF_MEMORY, COMPLETED"),
    "mixed dying": fault(f"its worker kills itself {BESIDE}", "FAILED, COMPLETED"),
    "mixed raising": fault(f"its code raises {BESIDE}", COMPLETED, finishes=False),
    "mixed cancelled": fault(f"scancel by hand {BESIDE}", CANCELLED, finishes=False),
    "mixed killed": fault(f"its worker is killed {BESIDE}", "FAILED, COMPLETED"),
    "mixed failing": fault(f"its node fails {BESIDE}", "NODE_FAIL, COMPLETED"),
}
CONFIG: dict[str, dict[str, Any]] = {
    "mixed greedy": {"mib": 1500},
    "mixed dying": {"signal": 9},
    "mixed raising": {"raises": True},
}
"""What those do themselves. To the others, the plain ones excepted, something is done while they wait at their gates."""


class Mixture:
    """One mixture over a running instance. What needs SLURM's commands and what stops slurmctld take turns; all else is at once."""

    def __init__(self, live: LiveSlurm, attempt: int) -> None:
        self.live, self._attempt = live, attempt
        self._random = random.Random(int(os.environ.get(SEED, 1)))
        self._controller = threading.Lock()
        self.runs: dict[str, str] = {}
        """The runs by their pieces."""

    def throw(self) -> None:
        """Launch the runs in the order drawn, do to each what its name says, and let services and daemons fail meanwhile."""
        many = MANY if SEED in os.environ else FEW
        kinds = [*FAULTS, *self._random.choices(list(FAULTS), k=many - len(FAULTS))]
        self._random.shuffle(kinds)
        for number, kind in enumerate(kinds):
            piece = f"{kind}-{100 * self._attempt + number}"
            config = CONFIG.get(kind, {} if kind == "mixed plain" else {"until": str(gate(self.live, piece))})
            self.runs[piece] = self.live.launch(piece, **config)
        with ThreadPoolExecutor(1) as beside:
            failures = beside.submit(self._fail_services)
            self._act()
            failures.result()

    def _act(self) -> None:
        """Do to each run that waits at its gate what its name says, as soon as it has begun."""
        left = {piece for piece in self.runs if gate_kind(piece)}

        def begun() -> list[str]:
            return sorted(piece for piece in left if self.live.events(piece)["began"])

        while left:
            piece = self._random.choice(self.live.wait("a run to begin", begun))
            with self._controller:
                self._acts()[gate_kind(piece)](piece)
            gate(self.live, piece).touch()
            left.remove(piece)

    def _acts(self) -> dict[str, Callable[[str], None]]:
        return {"mixed cancelled": self._cancel, "mixed killed": self._kill, "mixed failing": self._fail_node}

    def _cancel(self, piece: str) -> None:
        first = worker(self.live, self.runs[piece])
        self.live.cluster.command("scancel", str(self.live.job(self.runs[piece])))
        first.wait(60)

    def _kill(self, piece: str) -> None:
        first = worker(self.live, self.runs[piece])
        first.send_signal(signal.SIGKILL)
        first.wait(60)

    def _fail_node(self, piece: str) -> None:
        first = worker(self.live, self.runs[piece])
        node = self.live.cluster.command("squeue", "-h", "-j", str(self.live.job(self.runs[piece])), "-o", "%N").strip()
        self.live.cluster.set_down("a test", node)
        first.wait(60)
        self._resume(node)

    def _fail_services(self) -> None:
        """Let each of these fail once, in the order drawn."""
        for fail in self._random.sample(failures := list(self._failures()), len(failures)):
            fail()
            self.live.ready()

    def _failures(self) -> Iterator[Callable[[], None]]:
        yield lambda: self.live.kill("daemon")
        yield lambda: self.live.kill("code-server")
        yield self._restart_controller
        yield self._drain_a_node
        yield self._restart_accounting

    def _restart_controller(self) -> None:
        """Asked to end, not killed: see `test_soak.restart_often`."""
        with self._controller:
            self.live.cluster.stop_daemon("slurmctld")
            self.live.cluster.start_daemon("slurmctld")

    def _restart_accounting(self) -> None:
        self.live.cluster.kill("slurmdbd")
        self.live.cluster.start_daemon("slurmdbd")

    def _drain_a_node(self) -> None:
        """Until another job has ended, or there is none."""
        node = self._random.choice(self.live.cluster.nodes)
        with self._controller:
            self.live.cluster.drain("a test", node)
        ended = sum(self.live.events(piece)["ended"] for piece in self.runs)
        self.live.wait(
            "a run to end beside the drained node",
            lambda: sum(self.live.events(piece)["ended"] for piece in self.runs) > ended or self._are_over(),
        )
        with self._controller:
            self._resume(node)

    def _resume(self, node: str) -> None:
        """Let a node take jobs again, which may have been set down and drained at once, or be up again without a word."""

        def is_up() -> bool:
            with suppress(ClusterError):
                self.live.cluster.resume(node)
            return self.live.cluster.node_state(node).startswith(("idle", "mixed", "allocated", "completing"))

        self.live.wait(f"{node} to be up", is_up)

    def _are_over(self) -> bool:
        return all(self.live.run(run_id).is_finished for run_id in self.runs.values())


def gate_kind(piece: str) -> str:
    """What is done to a piece while it waits at its gate; empty for one that does not wait."""
    kind = piece.rpartition("-")[0]
    return "" if kind in CONFIG or kind == "mixed plain" else kind
