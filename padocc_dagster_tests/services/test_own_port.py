"""The port that only one user's processes can use."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from padocc_dagster.services.network import LOOPBACK, free_port
from padocc_dagster.services.own_port import lead, owner
from padocc_dagster_tests.other_user import as_nobody

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 101 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:C350 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000  1000        0 102 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:C351 0100007F:0BB8 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1
   4: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:0BB8 01 0:0 0:0 0  1001        0 104 1 0 20 4 30 10 -1
""".splitlines()


@pytest.mark.parametrize(("port", "user"), [(50000, 1000), (50001, None), (50002, 1001), (50003, None)])
def test_a_connection_is_its_client_s_and_nobody_s_once_the_client_has_closed_it(port: int, user: int | None) -> None:
    assert owner((LOOPBACK, port), (LOOPBACK, 3000), TABLE) == user


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A port that leads to a socket where all that comes is sent back, in capitals."""
    port, ready, over = free_port(), threading.Event(), threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        leading = threading.Thread(target=lead, args=(port, tmp_path / "s", ready.set, over.is_set))
        leading.start()
        assert ready.wait(30)
        yield port
        over.set()
        leading.join()


def _echo(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data.upper())


def _send(client: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)


def exchange(port: int, data: bytes) -> bytes:
    """What comes back. Raises ConnectionError when nothing does."""
    with socket.create_connection((LOOPBACK, port), timeout=30) as client:
        threading.Thread(target=_send, args=(client, data)).start()
        with client.makefile("rb") as answer:
            found = answer.read()
    if not found:
        raise ConnectionError
    return found


def test_what_this_user_sends_gets_there_and_back_whole(port: int) -> None:
    assert exchange(port, b"run") == b"RUN"
    assert exchange(port, b"x" * 5_000_000) == b"X" * 5_000_000


def test_another_user_s_connection_is_closed_and_this_user_s_go_on(port: int) -> None:
    assert set(as_nobody([partial(exchange, port, b"run")] * 3)) < {"ConnectionError", "ConnectionResetError", "BrokenPipeError"}
    assert exchange(port, b"run") == b"RUN"
