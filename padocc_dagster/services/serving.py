"""Who serves a working directory: one process at a time, which holds its lock and ends its services on SIGINT, SIGTERM and SIGHUP."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from padocc_dagster.services.access import set_access
from padocc_dagster.services.home import Home
from padocc_dagster.services.supervisor import Services, ServicesError


class AlreadyServed(ServicesError):
    """Another process serves the working directory."""


def is_served(home: Home) -> bool:
    """Whether a process holds the working directory's lock."""
    from filelock import FileLock, Timeout

    if not home.lock.exists():
        return False
    try:
        with FileLock(home.lock, timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def serving(services: Services) -> Iterator[Services]:
    """Hold the working directory, start the services, and end them at the end of the block; SIGINT and SIGTERM set `stopping`.

    Raises AlreadyServed when another process serves the working directory, and other ServicesErrors.
    """
    from filelock import FileLock, Timeout

    home = services.home
    opened = set_access(home.workdir)
    try:
        lock = FileLock(home.lock, timeout=0).acquire()
    except Timeout:
        raise AlreadyServed(f"{home.workdir.root} is served already ({home.read_address()}): use that, or end it first") from None
    with lock, stop_signals(services.stopping):
        services.check_port()
        for sentence in opened:
            services.say(sentence)
        home.prepare()
        home.write_address(services.page)
        try:
            services.start()
            yield services
        finally:
            services.stop()
            home.address.unlink(missing_ok=True)


@contextmanager
def stop_signals(stopping: threading.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and the end of the terminal ask for an orderly end; more of them do not cut it short."""
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda *_: stopping.set())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
