"""A worker asked of a fork server, used as one started by subprocess.Popen is."""

import contextlib
import json
import os
import signal
import socket
from types import TracebackType
from typing import Any

FORK_SERVER = "PADOCC_DAGSTER_FORK_SERVER"
"""The environment variable that names the fork server's socket."""
PATIENCE_SECONDS = 300.0
"""A cold import of PADOCC on a loaded machine takes minutes."""


class ForkedWorker:
    """A worker with pipes as its standard input and output, and this process's standard error.

    Raises ConnectionError when the fork server is not there or forks none for this process. `returncode` is None until `wait`.
    """

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.returncode: int | None = None
        if not hasattr(os, "pidfd_open"):
            raise ConnectionError("this system has no handles of processes (pidfd_open)")
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        self.stdin, self.stdout = os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb")
        try:
            self._ask(address, environment, [theirs_in, theirs_out, 2])
        except (OSError, ValueError) as error:  # ValueError: refused, or an end in the middle
            self._close()
            raise ConnectionError(f"no worker can be had at {address}: {error}") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def _ask(self, address: str, environment: dict[str, str], streams: list[int]) -> None:
        with contextlib.ExitStack() as undone:
            connection = undone.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            connection.settimeout(PATIENCE_SECONDS)
            connection.connect(address)
            socket.send_fds(connection, [b"\0"], streams)
            connection.sendall(json.dumps(environment).encode() + b"\n")
            self._answers = undone.enter_context(connection.makefile("rb"))
            self.pid = int(self._answer()["pid"])
            self._handle = os.pidfd_open(self.pid)
            connection.settimeout(None)
            self._connection = connection
            undone.pop_all()

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._answers.readline())
        if "refused" in answer:
            raise ValueError(answer["refused"])
        return answer

    def wait(self) -> int:
        """Wait for the end and return how it ended, as Popen.wait does."""
        if self.returncode is None:
            try:
                self.returncode = int(self._answer()["returncode"])
            except (OSError, ValueError):  # nobody is left who could tell
                self.kill()
                self.returncode = -signal.SIGKILL
        return self.returncode

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def __enter__(self) -> "ForkedWorker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()
        self.wait()
        self._answers.close()
        self._connection.close()
        os.close(self._handle)

    def _close(self) -> None:
        for stream in (self.stdin, self.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
