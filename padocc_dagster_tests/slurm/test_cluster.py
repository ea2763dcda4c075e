import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tools.slurm_cluster
from tools.private import process
from tools.private.folder import ClusterError
from tools.slurm_cluster import configuration, daemons, hosts, jobs, machine
from tools.slurm_cluster.cluster import Cluster
from tools.slurm_cluster.daemons import DAEMONS
from tools.slurm_cluster.folder import Folder

PROGRAM = Path(tools.slurm_cluster.__file__).parents[1] / "slurm-cluster"
OVER = ("COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED", "NODE_FAIL")


def submit(cluster: Cluster, folder: Path, *options: str, command: str = "true") -> int:
    return int(cluster.command("sbatch", "--parsable", f"--output={folder}/%j.log", *options, f"--wrap={command}"))


def accounted(cluster: Cluster, job: int, fields: str = "State") -> str:
    return cluster.command("sacct", "-X", "-n", "-P", "-j", str(job), "-o", fields).strip()


def end_of(cluster: Cluster, job: int, fields: str = "State,ExitCode", seconds: float = 180) -> str:
    process.wait_until(f"job {job} is over", lambda: accounted(cluster, job).startswith(OVER), seconds)
    return accounted(cluster, job, fields)


def program(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROGRAM, *words], env=os.environ | variables, capture_output=True, text=True, timeout=120)


def processes_that_name(folder: Path) -> list[str]:
    """The command lines of all processes that have the folder in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in command + environment:
            found.append(command.replace(b"\0", b" ").decode())
    return found


@pytest.fixture(scope="module")
def job_beyond_its_minute(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> int:
    return submit(cluster, tmp_path_factory.mktemp("jobs"), "--time=1", command="sleep 600")


@pytest.fixture
def foreign() -> Iterator[subprocess.Popen]:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        yield sleeper
        sleeper.kill()


@pytest.mark.usefixtures("job_beyond_its_minute")  # its minute passes meanwhile
def test_a_job_runs_and_accounting_remembers_it(cluster: Cluster, tmp_path: Path) -> None:
    job = submit(cluster, tmp_path, "--comment=a word", command="echo done")
    fields, expected = "State,ExitCode,Account,QOS,Comment", "COMPLETED|0:0|demo|standard|a word"
    # slurmctld tells a job's start up to five seconds later than its end, and until then its QoS is Unknown.
    process.wait_until(f"job {job} is accounted as {expected}", lambda: accounted(cluster, job, fields) == expected)
    assert (tmp_path / f"{job}.log").read_text() == "done\n"


def test_a_job_above_its_memory_is_told_as_out_of_memory(cluster: Cluster, tmp_path: Path) -> None:
    job = submit(cluster, tmp_path, "--mem=100", command=f"{sys.executable} -c 'bytearray(400 * 2**20)'")
    assert end_of(cluster, job) == "OUT_OF_MEMORY|0:125"


@pytest.mark.parametrize("option", ["--account=nobody", "--qos=nowhere", "--qos=normal", "--partition=none"])
def test_an_account_or_qos_or_slurm_partition_that_is_not_allowed_is_refused(cluster: Cluster, tmp_path: Path, option: str) -> None:
    with pytest.raises(ClusterError, match="nvalid"):
        submit(cluster, tmp_path, option)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--cpus-per-task=2"], "QOSMaxCpuPerJobLimit"),
        (["--time=25:00:00"], "QOSMaxWallDurationPerJobLimit"),
        (["--partition=tiny", "--time=3"], "PartitionTimeLimit"),
    ],
)
def test_a_job_above_a_limit_waits_with_that_reason(cluster: Cluster, tmp_path: Path, options: list[str], reason: str) -> None:
    job = submit(cluster, tmp_path, *options)
    try:
        process.wait_until(reason, lambda: reason in cluster.command("squeue", "-h", "-j", str(job), "-o", "%r"), 20)
    finally:
        cluster.command("scancel", str(job))


@pytest.mark.parametrize("daemon", DAEMONS)
def test_each_daemon_can_be_killed_and_started_while_a_job_runs(cluster: Cluster, tmp_path: Path, daemon: str) -> None:
    job = submit(cluster, tmp_path, command=f"while ! test -e {tmp_path}/go; do sleep 0.1; done")
    process.wait_until("the job runs", lambda: accounted(cluster, job) == "RUNNING")
    began = time.mktime(time.strptime(cluster.command("squeue", "-h", "-j", str(job), "-o", "%S").strip(), "%Y-%m-%dT%H:%M:%S"))
    saved = cluster.folder.root / "state" / "job_state"  # what is not saved yet, a killed slurmctld forgets
    process.wait_until("the controller has saved that", lambda: saved.stat().st_mtime > began + 1)
    before = cluster.running()[daemon]
    cluster.kill(daemon, signal.SIGKILL)
    assert cluster.running()[daemon] is None
    cluster.start_daemon(daemon)
    assert cluster.running()[daemon] not in (None, before)
    (tmp_path / "go").touch()
    assert end_of(cluster, job) == "COMPLETED|0:0"


def test_a_drained_node_takes_no_job_until_it_is_resumed(cluster: Cluster, tmp_path: Path) -> None:
    cluster.drain()
    try:
        job = submit(cluster, tmp_path)
        process.wait_until("the job waits for the node", lambda: "DRAINED" in cluster.command("squeue", "-h", "-j", str(job), "-o", "%R"))
    finally:
        cluster.resume()
    assert end_of(cluster, job) == "COMPLETED|0:0"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for sockets, which pytest's own does not when several processes run the tests."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        yield Path(folder)


def test_stop_leaves_nothing_of_its_own_and_ends_nothing_else(cluster: Cluster, short: Path, record_property) -> None:
    began = time.monotonic()
    started = program("start", "--directory", short)
    record_property("figure", f"a private SLURM starts from nothing in {time.monotonic() - began:.1f} s")
    assert (started.returncode, started.stderr) == (0, "")
    assert f"export SLURM_CONF={short}/etc/slurm.conf" in started.stdout
    assert "runs already" in program("start", "--directory", short).stdout
    status = program("status", "--directory", short)
    assert status.returncode == 0 and "idle" in status.stdout and status.stdout.count("runs, process") == len(DAEMONS)

    other, second = cluster.running(), Cluster(short)
    job = submit(second, short, command=f"trap '' TERM; setsid sleep 500 & echo > {short}/runs; while :; do sleep 1; done")
    process.wait_until("the job runs", (short / "runs").exists)
    assert processes_that_name(short) and jobs.cgroups(second.folder)
    assert program("stop", "--directory", short).returncode == 0
    assert processes_that_name(short) == []
    assert jobs.cgroups(second.folder) == []
    assert cluster.running() == other and all(other.values())
    assert program("status", "--directory", short).returncode == 1

    try:
        assert second.start()
        assert accounted(second, job).startswith("CANCELLED")
    finally:
        second.stop()
        shutil.rmtree(second.folder.database)


def test_stop_spares_a_process_that_has_got_the_number_of_a_daemon(short: Path, foreign: subprocess.Popen) -> None:
    cluster = Cluster(short)
    cluster.folder.make()
    for daemon in DAEMONS:
        cluster.folder.pid_file(daemon).write_text(str(foreign.pid))
    assert not cluster.stop()
    assert foreign.poll() is None


def test_start_says_in_one_sentence_what_to_install_and_makes_nothing(tmp_path: Path) -> None:
    refused = program("start", "--directory", tmp_path / "cluster", PATH=str(tmp_path))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "munged" in refused.stderr and f"apt-get install {machine.PACKAGES}" in refused.stderr
    assert not (tmp_path / "cluster").exists()


def test_hosts_share_the_machines_network_where_nothing_can_give_them_one_and_the_reason_is_named(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(short))
    assert "apt-get install iproute2" in hosts.problem()
    folder, size = Folder(short), configuration.Size(1, 100, nodes=2)
    folder.make()
    text = configuration.slurm_conf(folder, size, configuration.Ports(1, (2, 3), 4, 5), "here")
    folder.slurm_conf.write_text(text)
    node = daemons.nodes(folder)[0]
    assert hosts.address(folder) == hosts.node_address(folder, node) == hosts.LOOPBACK
    assert "--net" not in hosts.command(folder, node)
    with pytest.raises(ClusterError, match="has no link of its own: ip is not installed"):
        hosts.set_link(folder, node, "down")


def test_hosts_of_a_network_have_an_address_each_and_so_has_the_machine(short: Path) -> None:
    folder, size = Folder(short), configuration.Size(1, 100, nodes=2)
    folder.make()
    folder.slurm_conf.write_text(configuration.slurm_conf(folder, size, configuration.Ports(1, (2, 3), 4, 5), "here", "198.18.7"))
    addresses = [hosts.address(folder), *(hosts.node_address(folder, node) for node in daemons.nodes(folder))]
    assert addresses == ["198.18.7.1", "198.18.7.11", "198.18.7.12"]


def test_a_folder_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="shorter --directory"):
        Folder(tmp_path / ("long" * 20)).make()


@pytest.mark.parametrize(
    ("files", "plugin"),
    [
        ({"cgroup.controllers": "cpuset cpu memory pids\n"}, "cgroup/v2"),
        ({"memory/tasks": "", "freezer/tasks": "", "unified/cgroup.controllers": ""}, "cgroup/v1"),
        ({"cgroup.controllers": "cpu pids\n"}, None),
        ({}, None),
    ],
)
def test_the_kind_of_cgroups_is_that_of_the_memory_controller(tmp_path: Path, files: dict[str, str], plugin: str | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine.cgroup_plugin(tmp_path) == plugin


def test_two_folders_share_no_name_and_no_file() -> None:
    size, ports = configuration.Size(4, 1000), configuration.Ports(1, (2,), 3, 4)
    one, two = (configuration.slurm_conf(Folder(Path(name)), size, ports, "host") for name in ("/one", "/two"))
    names = ("ClusterName=", "NodeName=", "StateSaveLocation=", "SlurmdSpoolDir=", "AuthInfo=", "AccountingStoragePass=", "PartitionName=")
    assert not {line for line in one.splitlines() if line.startswith(names)} & set(two.splitlines())


def test_each_of_several_nodes_has_its_own_name_port_and_daemon(tmp_path: Path) -> None:
    folder, ports = Folder(tmp_path), configuration.Ports(1, (11, 12, 13), 3, 4)
    assert daemons.names(folder) == daemons.DAEMONS
    folder.slurm_conf.parent.mkdir()
    folder.slurm_conf.write_text(configuration.slurm_conf(folder, configuration.Size(4, 1000, nodes=3), ports, "host"))
    folder.slurm_conf.with_name("slurmdbd.conf").write_text(configuration.slurmdbd_conf(folder, ports, "password"))
    nodes, text = [f"{folder.name}-n{number}" for number in (1, 2, 3)], folder.slurm_conf.read_text()
    assert daemons.nodes(folder) == nodes and f"PartitionName=main Nodes={','.join(nodes)} " in text
    for node, port in zip(nodes, ports.slurmd, strict=True):
        assert f"NodeName={node} NodeHostname={node} NodeAddr=127.0.0.1 Port={port} " in text
    assert daemons.names(folder) == (*daemons.SERVERS, *(f"{name}@{node}" for name in ("host", "slurmd") for node in nodes))
    assert daemons.command(folder, f"host@{nodes[1]}")[-1] == nodes[1]
    with pytest.raises(ClusterError, match=f"the host of {nodes[1]} does not run"):
        daemons.command(folder, f"slurmd@{nodes[1]}")


def test_a_job_above_its_time_is_told_as_timeout(cluster: Cluster, job_beyond_its_minute: int) -> None:
    assert end_of(cluster, job_beyond_its_minute, seconds=150).startswith("TIMEOUT")
