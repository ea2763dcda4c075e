"""Dagster's three processes for one working directory, and one that helps them: started, watched, started again, ended together.

- `code-server` has this package's definitions. The web server and the daemon both ask it.
- `daemon` turns sensors and the queue into runs. `webserver` answers on one address of this machine.
- `fork-server` forks the processes of runs on this machine, and of PADOCC's workers (`local/fork_server.py`). Without it they are started
  afresh.

Runs depend on none of them: each run's process has a keeper (`local/keeper.py`), on SLURM a job. Whatever dies is started again, and
nothing else changes, unless dagster.yaml names no launcher: then runs are children of the code server, and the daemon begins anew after
it. When the process that watches is itself killed, Linux sends the
services a SIGTERM. Runs go on, and the next start takes them over; runs whose processes are gone are reported as lost, so that Dagster
retries them (`run_retries` in dagster.yaml). Services that end because their time is over leave the runs at work to their keepers, too.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, Popen, run

import psutil

from padocc_dagster.local import fork_server
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import FORK_SERVER
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services import code_server, daemon, network, processes, webserver
from padocc_dagster.services.home import Home
from padocc_dagster.services.leftovers import keepers, left_over, without_runs
from padocc_dagster.services.news import News
from padocc_dagster.services.page import Page
from padocc_dagster.slurm.yaml_fields import load

DEFINITIONS = "padocc_dagster.definitions"
DEATHS, WITHIN_SECONDS = 5, 60.0
READY_SECONDS = 180.0
END_SECONDS, UNHURRIED_SECONDS = 4, 40
"""For the daemon to end. It needs more when it is launching runs, which is then repeated at the next start; Dagster itself waits 30 s."""
GRPC_SECONDS = "300"
"""Dagster's own limit of 60 s for an answer of the code server makes a loaded host fail where it is slow."""


class ServicesError(Exception):
    """The services cannot be started or kept up. The message is for the person who started them."""


@dataclass
class Service:
    """One of the processes, with the times at which it died."""

    name: str
    argv: list[str]
    process: Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))


class Services:
    """The processes of one working directory. Use `serving.serving`, which also holds the working directory's lock.

    Parameters
    ----------
    workdir
        The PADOCC working directory that they serve.
    port, host
        Where the web server answers. Without a port it is a Unix socket that nobody else can reach.
    module
        The Python module with the Dagster definitions.
    say
        Called with each sentence that a person should read.
    web, read_only
        Whether there is a web server, and whether it refuses to change anything.
    progress
        Called with a sentence before each part of the start.
    """

    def __init__(
        self,
        workdir: Workdir,
        port: int | None = None,
        host: str = "127.0.0.1",
        module: str = DEFINITIONS,
        say: Callable[[str], None] = print,
        web: bool = True,
        read_only: bool = False,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.home, self.say = Home(workdir), say
        self.page = Page(self.home.page_socket, port, host, read_only) if web else None
        self.progress, self.news = progress, News.of(workdir, self.page.address if self.page else None)
        self.stopping = threading.Event()
        self.leaves_runs = False
        """Whether the end of the services leaves runs at work on this machine to their keepers."""
        python, workspace = [sys.executable, "-m"], ["-w", str(self.home.workspace)]
        server = ["--module-name", module, "--socket", str(self.home.socket), "--empty-working-directory"]
        self.code_server = Service("code-server", [*python, code_server.__name__, "api", "grpc", *server])
        self.webserver = Service("webserver", [*python, webserver.__name__, *(self.page.arguments if self.page else ()), *workspace])
        self.daemon = Service("daemon", [*python, daemon.__name__, "run", *workspace])
        self.fork_server = Service("fork-server", [sys.executable, "-P", "-m", fork_server.__name__, str(self.home.fork_socket), module])

    def check_port(self) -> None:
        """Raises ServicesError when the web server's port is taken or refused."""
        if self.page and (problem := self.page.problem()):
            raise ServicesError(problem)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page. Raises ValueError where there is none with a port."""
        if self.page is None or self.page.port is None:
            raise ValueError(f"the page of {self.home.workdir.root} has no port")
        return network.url(self.page.host, self.page.port)

    @property
    def all(self) -> tuple[Service, ...]:
        return self.code_server, self.daemon, self.webserver, self.fork_server

    @property
    def environment(self) -> dict[str, str]:
        root = str(self.home.root)
        ours = {"DAGSTER_HOME": root, "WORKDIR": str(self.home.workdir.root), processes.MARK: root}
        ours |= {"DAGSTER_DISABLE_TELEMETRY": "1", "DAGSTER_GRPC_TIMEOUT_SECONDS": GRPC_SECONDS}
        return {**os.environ, **ours, FORK_SERVER: str(self.home.fork_socket)}

    def start(self) -> None:
        """Start them and return when the web server, if there is one, has loaded the definitions.

        Raises ServicesError when one of them keeps dying or the whole is not ready in `READY_SECONDS`.
        """
        self._start(self.fork_server)
        self._start_code_server_and_daemon()
        if page := self.page:
            self.progress("Starting the web server …")
            self._start(self.webserver)
            self._wait_for(lambda: network.location_is_loaded(page.address), "the web server to load the definitions")

    def watch(self, over: Callable[[], str] = lambda: "") -> str:
        """Start again what dies and report what is new, until `stopping` is set, or `over` gives a reason to end: then runs at work are
        left to their keepers.

        Returns the reason, empty without one. Raises ServicesError when a service keeps dying.
        """
        while not self.stopping.wait(1.0):
            self.revive()
            for service in self.all:
                processes.rotate(self.home.log(service.name))
            for sentence in self.news.look():
                self.say(sentence)
            if reason := over():
                self.leaves_runs = True
                return reason
        return ""

    def revive(self) -> None:
        """Start again the services that have died since the last look."""
        for service in self.all:
            if service.process is None or service.process.poll() is None:
                continue
            if not self._is_to_live(service):
                continue
            if self.stopping.wait(1.0):
                return
            self._start_again(service)

    def stop(self) -> None:
        """End them and all that they started. Runs at work get SIGTERM, and are repeated at the next start; that takes up to 20 s.

        With `leaves_runs`, runs at work on this machine go on, and the daemon ends first: what it was launching is launched.
        """
        self.stopping.set()
        everything = self._started()
        if self.leaves_runs:
            self._end([self.daemon], UNHURRIED_SECONDS)
        self._end([self.webserver, self.daemon], END_SECONDS)
        at_work = processes.spawned(self.code_server.process.pid) if self.code_server.process else []
        processes.end([*at_work, *(() if self.leaves_runs else keepers(self.home))], 6)
        self._end([self.code_server, self.fork_server], 3)
        processes.end([*left_over(self.home), *(without_runs(self.home, everything) if self.leaves_runs else everything)], 2)
        for path in (self.home.socket, self.home.fork_socket, self.home.page_socket):
            path.unlink(missing_ok=True)

    def _started(self) -> list[psutil.Process]:
        """What the services have started; with `leaves_runs` without what the fork server has, which works for runs."""
        services = [service for service in self.all if not (self.leaves_runs and service is self.fork_server)]
        return [p for service in services if service.process for p in processes.descendants(service.process.pid)]

    def _start_code_server_and_daemon(self) -> None:
        """Begin anew with nothing at work. A daemon that is there while the code server is not gives up repeating lost runs."""
        self._end([self.daemon], 4)
        processes.end(left_over(self.home, but=self.webserver.process.pid if self.webserver.process else None), 4)
        ended = time.time()
        self.progress("Starting the code server, which loads the definitions …")
        self._start(self.code_server)
        self._wait_for(lambda: network.is_listening(self.home.socket), "the code server")
        self.progress("Comparing runs with what is at work, then starting the daemon …")
        argv = [sys.executable, "-m", "padocc_dagster.services.lost_runs", str(ended)]
        done = run(argv, env=self.environment, cwd=self.home.root, stdin=DEVNULL, capture_output=True, text=True)
        if done.returncode == os.EX_CONFIG:
            raise ServicesError(f"{self.home.settings} cannot be used:\n{done.stdout.strip()}")
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise ServicesError(f"Dagster cannot open its instance in {self.home.root}: {reason[0]}. Check {self.home.settings}")
        for sentence in done.stdout.splitlines():
            self.say(sentence)
        self._start(self.daemon)

    def _start_again(self, service: Service) -> None:
        """Start a service that died. A code server is started alone unless runs were at work in it, for which there must be a daemon.

        That also keeps a code server that dies while `_start_code_server_and_daemon` waits for it from beginning it all anew.
        """
        if service is self.code_server and self.daemon.process and self._code_server_has_runs():
            self._start_code_server_and_daemon()
        else:
            self._start(service)

    def _code_server_has_runs(self) -> bool:
        """Whether runs are children of the code server, as with Dagster's own launcher."""
        return not (load(self.home.settings) or {}).get("run_launcher")

    def _start(self, service: Service) -> None:
        if service is self.code_server:
            self.home.socket.unlink(missing_ok=True)
        if service is self.webserver:
            self.home.page_socket.unlink(missing_ok=True)
        environment, folder = self.environment, self.home.root
        if service is self.fork_server:  # what it forks must be as clean as a worker that is started afresh
            environment, folder = clean_environment(), Path("/")
        service.process = processes.start(service.argv, self.home.log(service.name), environment, folder)

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self.stopping.wait(0.2):
                return
            if time.monotonic() > deadline:
                logs = self.home.log("daemon").parent
                raise ServicesError(f"waited {READY_SECONDS:.0f} s for {what} in vain: see the logs in {logs}")
            for service in self.all:
                if service.process and service.process.poll() is not None and self._is_to_live(service):
                    self._start_again(service)

    def _is_to_live(self, service: Service) -> bool:
        """Say that it died, and whether it is started again. Raises ServicesError when it has died too often lately and is needed."""
        service.deaths.append(time.monotonic())
        log, status = self.home.log(service.name), service.process and service.process.returncode
        died = f"died {DEATHS} times in {WITHIN_SECONDS:.0f} s"
        too_often = len(service.deaths) == DEATHS and service.deaths[-1] - service.deaths[0] < WITHIN_SECONDS
        if too_often and service is not self.fork_server:
            raise ServicesError(f"the {service.name} {died}. The end of {log}:\n{processes.last_lines(log)}")
        if too_often:
            service.process = None
            self.say(f"The {service.name} {died} (log {log}) and is left alone: workers are started afresh, a second slower.")
        else:
            self.say(f"The {service.name} ended by itself (exit status {status}, log {log}) and is started again.")
        return not too_often

    def _end(self, services: list[Service], seconds: float) -> None:
        """End these services and forget them, so that nobody takes their end for a death."""
        alive = [s.process for s in services if s.process and s.process.poll() is None]
        processes.end([psutil.Process(p.pid) for p in alive if psutil.pid_exists(p.pid)], seconds)
        for process in alive:
            process.wait()
        for service in services:
            service.process = None
