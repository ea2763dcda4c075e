"""The services, really started: they come back when killed, and none stays when they are ended."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from padocc_dagster.local import fork_server
from padocc_dagster.local.records import Records
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services import daemon, network, processes, webserver
from padocc_dagster.services.home import Home
from padocc_dagster.services.page import Page
from padocc_dagster.services.serving import is_served, serving
from padocc_dagster.services.supervisor import DEATHS, Services, ServicesError
from padocc_dagster.services.viewing import viewing
from padocc_dagster_tests.other_user import as_nobody
from padocc_dagster_tests.services.proxy import answer, proxy
from padocc_dagster_tests.services.proxy import status as proxied

DEFINITIONS = """
import os, time, dagster as dg

@dg.asset
def patient():
    while not os.path.exists(os.path.join(os.environ["WORKDIR"], "go")):
        time.sleep(0.1)

defs = dg.Definitions([patient], jobs=[dg.define_asset_job("wait", [patient])], executor=dg.in_process_executor)
"""
SERVE = """
import sys
from pathlib import Path
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.serving import serving
from padocc_dagster.services.supervisor import Services
with serving(Services(Workdir(Path(sys.argv[1])), module=sys.argv[2])) as services:
    services.watch(Path(sys.argv[1], "over").exists)
"""
LAUNCH = """mutation { launchRun(executionParams: {selector:
  {repositoryLocationName: "padocc_dagster", repositoryName: "__repository__", jobName: "wait"}})
  { __typename ... on LaunchRunSuccess { run { runId } } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status parentRunId tags { key value } } } } }"


def wait_for(get: Callable[[], Any], seconds: float = 300.0) -> Any:
    """The first true value, or a failure."""
    deadline = time.monotonic() + seconds
    while not (value := get()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.1)
    return value


class Up:
    """A serving process for a working directory, in a folder of its own."""

    def __init__(self, root: Path, module: str = "patient_definitions") -> None:
        self.home = Home(Workdir(root))
        self.page = self.home.page_socket
        root.mkdir(exist_ok=True)
        (root / "patient_definitions.py").write_text(DEFINITIONS)
        self.output = root / "up.txt"
        path = os.pathsep.join([str(Path(__file__).parents[2]), str(root)])
        argv = [sys.executable, "-c", SERVE, str(root), module]
        with open(self.output, "ab") as output:
            environment = {**os.environ, "PYTHONPATH": path}
            orphaned = processes.dies_with_parent()
            self.process = subprocess.Popen(
                argv, stdout=output, stderr=output, env=environment, start_new_session=True, preexec_fn=orphaned
            )

    def ready(self) -> "Up":
        wait_for(lambda: network.location_is_loaded(self.page) or self.process.poll() is not None)
        assert self.process.poll() is None, self.output.read_text()
        return self

    def service(self, word: str, but: Sequence[psutil.Process] = ()) -> psutil.Process | None:
        """The process of a service, which is none of those that were killed just now and may be seen a moment longer."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if child not in but and processes.is_alive(child) and word in child.cmdline():
                    return child
        return None

    def left(self) -> list[psutil.Process]:
        return processes.marked(str(self.home.root))

    def has(self, word: str) -> bool:
        """Whether a service is alive, be the process that started it there or not."""
        for process in self.left():
            with contextlib.suppress(psutil.Error):
                if word in process.cmdline():
                    return True
        return False

    def launch(self) -> str:
        run = network.ask(self.page, LAUNCH, 30)["data"]["launchRun"]["run"]["runId"]
        wait_for(lambda: self.status(run) == "STARTED")
        return run

    def runs(self) -> list[dict]:
        return network.ask(self.page, RUNS)["data"]["runsOrError"]["results"]

    def status(self, run: str) -> str | None:
        return next((found["status"] for found in self.runs() if found["runId"] == run), None)

    def repeat_of(self, run: str, status: str) -> str | None:
        try:
            return next((r["runId"] for r in self.runs() if r["parentRunId"] == run and r["status"] == status), None)
        except OSError:
            return None

    def kill(self) -> None:
        """Leave nothing behind, whatever a test found."""
        self.process.kill()
        self.process.wait()
        processes.end([*self.left(), *self.keepers()], 0)

    def keepers(self) -> list[psutil.Process]:
        return [psutil.Process(pid) for pid in Records(self.home.root).keepers().values()]

    def may_go_on(self, run: str) -> None:
        """Let the run's step end, and wait for the run's success."""
        (self.home.workdir.root / "go").touch()
        wait_for(lambda: self.status(run) == "SUCCESS")
        (self.home.workdir.root / "go").unlink()


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """In a folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        served = Up(Path(folder) / "served")
        try:
            yield served.ready()
        finally:
            served.kill()


def test_the_services_listen_on_no_port(up: Up) -> None:
    family = [psutil.Process(up.process.pid), *processes.descendants(up.process.pid)]
    assert not [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]


def test_the_code_server_s_socket_is_in_dagster_home_where_nobody_else_reaches_it(up: Up) -> None:
    assert up.home.socket.is_socket() and up.home.socket.parent.parent == up.home.root
    assert up.home.socket.parent.stat().st_mode & 0o777 == 0o700


def test_another_user_reaches_neither_page_nor_sockets_nor_databases_nor_logs_nor_the_inbox(up: Up) -> None:
    root, home = up.home.workdir.root, up.home
    sockets = [home.page_socket, home.socket, home.fork_socket]
    files = [home.settings, *(home.root / "history").glob("*.db"), *home.log("daemon").parent.iterdir(), *home.root.glob("*.db")]
    folders = [home.root, root / "inbox", root / "locks", root / "padocc_dagster"]
    assert len(files) > 5 and all(map(Path.is_socket, sockets))

    def connect(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))

    tries = [*(partial(connect, path) for path in sockets), *(partial(open, path) for path in files)]
    tries += [*(partial(os.listdir, path) for path in folders), partial(open, root / "inbox" / "mine.csv", "w")]
    assert set(as_nobody(tries)) == {"PermissionError"}
    assert as_nobody([partial(os.listdir, root)]) == [""], "the working directory itself is as open as its owner's umask makes it"


def test_web_opens_the_page_to_this_user_s_processes_alone(up: Up) -> None:
    port = network.free_port()
    page = network.url(network.LOOPBACK, port)
    command = [sys.executable, "-m", "padocc_dagster.cli", "web", "-w", str(up.home.workdir.root), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=processes.dies_with_parent()) as web:
        assert f"{page} shows {up.home.workdir.root}, to your own processes alone" in web.stdout.readline()
        assert network.location_is_loaded(page)
        assert as_nobody([partial(network.ask, page, RUNS)]) != [""]
        assert network.location_is_loaded(page)
        web.terminate()
        assert web.wait(30) == 0


def test_a_page_of_another_site_can_start_no_run(up: Up) -> None:
    def answer(**headers: str) -> int:
        body = json.dumps({"query": LAUNCH})
        with contextlib.closing(network.connection_to(up.page, 30)) as connection:
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json", "Host": "localhost:3000", **headers})
            return connection.getresponse().status

    assert (answer(Origin="http://elsewhere.example"), answer(Origin="http://localhost:8080")) == (403, 403)
    assert answer(Host="elsewhere.example:3000", Origin="http://elsewhere.example:3000") == 403, "its name may mean this machine"
    assert not up.runs()


def test_behind_nginx_the_page_asks_for_a_login_and_refuses_other_sites(up: Up, tmp_path: Path) -> None:
    query = json.dumps({"query": RUNS})
    with proxy(up.page, tmp_path, "ada", "a secret") as port:
        wait_for(lambda: _status_or_none(port, query) == 401, 30)
        assert proxied(port, query, "ada:another secret") == 401
        assert proxied(port, query, "ada:a secret") == 200
        assert proxied(port, query, "ada:a secret", Origin=f"https://127.0.0.1:{port}") == 200
        assert proxied(port, query, "ada:a secret", Origin="https://elsewhere.example") == 403


def test_a_run_launched_behind_nginx_has_the_name_of_the_login_and_no_other_name(up: Up, tmp_path: Path) -> None:
    forged = LAUNCH.replace("selector:", 'executionMetadata: {tags: [{key: "user", value: "eve"}]}, selector:')
    with proxy(up.page, tmp_path, "ada", "a secret") as port:
        wait_for(lambda: _status_or_none(port, "") == 401, 30)
        _, text = answer(port, json.dumps({"query": forged}), "ada:a secret", **{"X-Forwarded-User": "eve"})
    behind = json.loads(text)["data"]["launchRun"]["run"]["runId"]
    direct = network.ask(up.page, forged, 30)["data"]["launchRun"]["run"]["runId"]
    parent = f'{{parentRunId: "{behind}", strategy: ALL_STEPS, useParentRunTags: true}}'
    again = f"""mutation {{ launchRunReexecution(reexecutionParams: {parent})
      {{ ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"""
    repeated = network.ask(up.page, again, 30)["data"]["launchRunReexecution"]["run"]["runId"]
    tags = {run["runId"]: {tag["key"]: tag["value"] for tag in run["tags"]} for run in up.runs()}
    assert tags[behind]["user"] == "ada" and "user" not in tags[direct] and "user" not in tags[repeated]
    runs = (behind, direct, repeated)
    (up.home.workdir.root / "go").touch()
    wait_for(lambda: {up.status(run) for run in runs} == {"SUCCESS"})
    (up.home.workdir.root / "go").unlink()
    for run in runs:  # other tests count the runs
        network.ask(up.page, f'mutation {{ deleteRun(runId: "{run}") {{ __typename }} }}')
    assert not {each["runId"] for each in up.runs()} & set(runs)


def _status_or_none(port: int, query: str) -> int | None:
    with contextlib.suppress(OSError):
        return proxied(port, query)
    return None


def test_a_page_for_reading_needs_no_services_and_starts_no_run(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(up.home.workdir.root)]))
    page = Page(up.home.viewer_socket, read_only=True)
    with viewing(up.home, page, threading.Event(), "patient_definitions"):
        refused = network.ask(page.address, LAUNCH, 30)["data"]["launchRun"]["__typename"]
        assert refused == "UnauthorizedError" and not network.ask(page.address, RUNS)["data"]["runsOrError"]["results"]
    assert not page.socket.exists() and not page.socket.with_suffix(".yaml").exists()


def test_the_services_logs_are_kept_and_out_of_reach_of_dagster_s_telemetry(up: Up) -> None:
    for name in ("code-server", "daemon", "webserver", "fork-server"):
        assert up.home.log(name).exists()
        assert up.home.log(name).parent.name != "logs"
    for word in ("grpc", daemon.__name__, webserver.__name__):
        assert up.service(word).environ()["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert not (up.home.root / "logs").exists()


def test_the_fork_server_sees_no_more_than_a_worker_and_comes_back_when_it_is_killed(up: Up) -> None:
    server = up.service(fork_server.__name__)
    assert server.environ() == clean_environment()
    server.kill()
    assert wait_for(lambda: up.service(fork_server.__name__, [server])).is_running()


def test_a_second_up_of_the_same_working_directory_is_refused(up: Up) -> None:
    assert is_served(up.home)
    with pytest.raises(ServicesError, match=f"served already .process {up.process.pid}, {up.page}"):
        with serving(Services(up.home.workdir, 1)):
            pass


def test_a_run_goes_on_while_the_daemon_and_the_web_server_are_killed_and_come_back(up: Up) -> None:
    run = up.launch()
    killed = [wait_for(partial(up.service, word)) for word in (daemon.__name__, webserver.__name__)]
    for process in killed:
        process.kill()
    for word in (daemon.__name__, webserver.__name__):
        wait_for(partial(up.service, word, killed))
    wait_for(lambda: network.location_is_loaded(up.page))
    assert up.status(run) == "STARTED"
    (up.home.workdir.root / "go").touch()
    wait_for(lambda: up.status(run) == "SUCCESS")
    (up.home.workdir.root / "go").unlink()
    assert [r["runId"] for r in up.runs()] == [run]


@pytest.mark.parametrize("word", ["grpc", fork_server.__name__], ids=["the code server", "the fork server"])
def test_a_run_goes_on_while_a_server_is_killed_and_comes_back(up: Up, word: str) -> None:
    run, daemon_process = up.launch(), up.service(daemon.__name__)
    killed = wait_for(partial(up.service, word))
    killed.kill()
    wait_for(partial(up.service, word, [killed]))
    wait_for(lambda: network.is_listening(up.home.socket))
    assert up.service(daemon.__name__) == daemon_process
    assert up.status(run) == "STARTED"
    up.may_go_on(run)
    again = up.launch()
    up.may_go_on(again)
    assert not [found for found in up.runs() if found["parentRunId"]]


def test_a_run_is_retried_when_its_process_is_killed(up: Up) -> None:
    run = up.launch()
    [keeper] = up.keepers()
    keeper.children()[0].kill()
    retry = wait_for(lambda: up.repeat_of(run, "STARTED"))
    assert up.status(run) == "FAILURE"
    up.may_go_on(retry)


def test_a_fork_server_that_keeps_dying_is_left_alone_and_everything_else_goes_on(up: Up) -> None:
    dead: list[psutil.Process] = []
    for _ in range(DEATHS):
        server = wait_for(lambda: "is left alone" in up.output.read_text() or up.service(fork_server.__name__, dead))
        if isinstance(server, psutil.Process):
            server.kill()
            dead.append(server)
    wait_for(lambda: "The fork-server died 5 times in 60 s" in up.output.read_text())
    assert up.process.poll() is None and network.location_is_loaded(up.page)


def test_sigterm_leaves_no_process_and_ends_the_run_at_work_within_20_s(up: Up) -> None:
    up.launch()
    assert len(up.left()) >= 3
    started = time.monotonic()
    family = processes.descendants(up.process.pid)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(30) == 0, up.output.read_text()
    assert time.monotonic() - started < 20
    assert not up.left() and not [p for p in family if processes.is_alive(p)]
    assert not is_served(up.home)


@pytest.mark.parametrize("end", ["killed", "killed with its run", "its time was over"])
def test_after_the_end_of_up_the_next_one_takes_its_run_over_or_repeats_it_and_keeps_edited_settings(tmp_path: Path, end: str) -> None:
    with_its_run = end == "killed with its run"
    first = Up(tmp_path / "w").ready()
    try:
        run = first.launch()
        edited = first.home.settings.read_text().replace("poll_interval_seconds: 20", "poll_interval_seconds: 21")
        first.home.settings.write_text(edited)
        if end == "its time was over":
            (tmp_path / "w" / "over").touch()
            assert first.process.wait(60) == 0 and len(first.keepers()) == 1
            (tmp_path / "w" / "over").unlink()
        else:
            first.process.kill()
            first.process.wait()
        wait_for(lambda: not any(first.has(word) for word in (daemon.__name__, webserver.__name__, "grpc")))
        if with_its_run:
            processes.end(first.keepers(), 0)
        second = Up(tmp_path / "w").ready()
        try:
            assert (second.status(run) == "STARTED") is not with_its_run
            (tmp_path / "w" / "go").touch()
            wait_for(lambda: second.repeat_of(run, "SUCCESS") if with_its_run else second.status(run) == "SUCCESS")
            assert second.home.settings.read_text() == edited
            assert len(second.runs()) == 1 + with_its_run
        finally:
            second.kill()
    finally:
        first.kill()


def test_code_that_cannot_be_loaded_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = Up(tmp_path / "w", module="no_such_module")
    try:
        assert broken.process.wait(120) != 0
        text = broken.output.read_text()
        assert "the code-server died 5 times in 60 s" in text and "No module named 'no_such_module'" in text
        assert not broken.left()
    finally:
        broken.kill()


def test_with_dagsters_own_launcher_a_code_server_that_dies_takes_its_runs_and_the_daemon_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "patient_definitions.py").write_text(DEFINITIONS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)]))
    said: list[str] = []
    services = Services(Workdir(tmp_path), network.free_port(), module="patient_definitions", say=said.append)
    services.home.root.mkdir()
    services.home.settings.write_text("telemetry: {enabled: false}\n")
    found: list[Any] = []

    def kill_the_code_server() -> None:
        wait_for(lambda: services.webserver.process)
        left_over = subprocess.Popen(["sleep", "600"], env={**os.environ, processes.MARK: str(services.home.root)})
        found.extend([services.daemon.process, left_over])
        services.code_server.process.kill()

    killer = threading.Thread(target=kill_the_code_server)
    killer.start()
    with serving(services):
        killer.join()
        daemon, left_over = found
        try:
            assert left_over.wait(5) == -signal.SIGTERM
            assert daemon.poll() is not None and services.daemon.process.poll() is None
            assert [sentence for sentence in said if "code-server ended by itself" in sentence]
            assert not [sentence for sentence in said if "daemon ended by itself" in sentence]
        finally:
            left_over.kill()
            left_over.wait()


def test_a_busy_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServicesError, match=rf"cannot listen on 127.0.0.1, port {port} .*--port"):
            with serving(Services(Workdir(tmp_path), port)):
                pass
    assert not Home(Workdir(tmp_path)).settings.exists()
