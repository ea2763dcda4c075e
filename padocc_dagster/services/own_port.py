"""A port of this machine that leads to a Unix socket, for one user's processes alone.

Every user can connect to a port of 127.0.0.1. The system says whose a connection is (`/proc/net/tcp`), and those of others are closed
before a byte of them is read.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from padocc_dagster.services.network import LOOPBACK

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
CHUNK = 1 << 16
Address = tuple[str, int]


class NoOwnersError(OSError):
    """This system does not say whose a connection is."""


def owner(client: Address, server: Address, lines: Iterable[str]) -> int | None:
    """The user whose process holds the client's end of a connection, by the lines of `TABLES`; None where no process holds it any more."""
    wanted = [_as_shown(client), _as_shown(server)]
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and [fields[1][-13:], fields[2][-13:]] == wanted and fields[9] != "0":
            return int(fields[7])
    return None


def _as_shown(address: Address) -> str:
    """An IPv4 address and its port as the kernel shows them, at the end of a mapped IPv6 address as well."""
    numbers = bytes(int(part) for part in address[0].split("."))
    return f"{int.from_bytes(numbers, 'little'):08X}:{address[1]:04X}"


def is_mine(client: Address, server: Address) -> bool:
    """Whether a process of this user holds the client's end of the connection."""
    lines = [line for table in TABLES if table.exists() for line in table.read_text().splitlines()]
    return owner(client, server, lines) == os.getuid()


def lead(port: int, target: Path, ready: Callable[[], None], is_over: Callable[[], bool]) -> None:
    """Pass connections to the port on to the socket, until `is_over`; `ready` is called when the port is open.

    Raises OSError when the port is taken, and NoOwnersError where the system does not say whose a connection is.
    """
    if not TABLES[0].exists():
        raise NoOwnersError(f"{TABLES[0]} is missing, which says whose a connection is: use `ssh -L` from your own machine instead")
    asyncio.run(_lead(port, target, ready, is_over))


async def _lead(port: int, target: Path, ready: Callable[[], None], is_over: Callable[[], bool]) -> None:
    async with await asyncio.start_server(partial(_pass_on, target), LOOPBACK, port):
        ready()
        while not is_over():
            await asyncio.sleep(0.2)


async def _pass_on(target: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        if not is_mine(writer.get_extra_info("peername"), writer.get_extra_info("sockname")):
            return
        page_reader, page_writer = await asyncio.open_unix_connection(str(target))
        with contextlib.closing(page_writer):
            ways = [asyncio.create_task(_copy(*way)) for way in ((reader, page_writer), (page_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
            for way in ways:
                way.cancel()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
