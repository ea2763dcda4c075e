"""Metrics for Prometheus: what they count, and how they are served."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import dagster as dg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.pipeline.watch.last import Last, keep_found
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.metrics import Metrics
from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.pipeline.board.groups import WORST, write_group

Samples = dict[tuple[str, ...], float]
PATIENCE = 60


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path / "w")
    write_group(workdir, "g", {"a": ("complete", "ok"), "b": ("complete", "ok"), "c": ("compute", "KeyError"), "d": ("scan", "at work")})
    keep_found(workdir, "g", {"a_k1.0": Last(result="differs")})
    return workdir


def samples(text: str) -> Samples:
    """Name, and the values of its labels in the order of their names → value."""
    families = text_string_to_metric_families(text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def once(workdir: Workdir) -> Samples:
    result = CliRunner(env={"WORKDIR": None}).invoke(app, ["metrics", "--once", "-w", str(workdir.root)])
    assert result.exit_code == 0, result.output
    return samples(result.output)


def test_projects_products_and_amounts_are_counted_by_group(workdir: Workdir) -> None:
    found = once(workdir)
    places = {name[2]: value for name, value in found.items() if name[0] == "padocc_projects"}
    assert places == {"published": 2, "at work": 1, "waiting": 0, "stopped": 1, "withdrawn": 0}
    assert found["padocc_projects_ended", "g", "failed", "compute"] == 1
    assert (found["padocc_products", "g", "differs"], found["padocc_products", "g", "not looked at yet"]) == (1, 1)
    assert found["padocc_source_bytes", "g"] == 12e6 and found["padocc_used_core_seconds", "g"] > 0


def test_runs_and_what_their_jobs_requested_are_counted(workdir: Workdir) -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    from padocc_dagster.batch import tags

    @dg.job
    def job() -> None: ...

    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS)
        instance.add_run_tags(run.run_id, {tags.JOB_OF: run.run_id, tags.REQUESTED: "time=01:00:00 memory=2G cpus=3"})
        registry = CollectorRegistry()
        registry.register(Metrics(workdir, instance))
        found = samples(generate_latest(registry).decode())
    assert (found["padocc_runs", "STARTED"], found["padocc_runs", "QUEUED"]) == (1, 0)
    assert (found["padocc_requested_cpus",], found["padocc_requested_memory_bytes",]) == (3, 2 * 2**30)


def test_what_files_say_cannot_forge_a_metric(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    forged = 'x"} 1\npadocc_projects{group="forged",place="published"} 9\n'
    write_group(workdir, "g", {"a": ("complete", "ok"), "b": ("compute", forged)}, WORST)
    keep_found(workdir, "g", {"a_k1.0": Last(result='"} 1\nforged 1\n')})
    found = once(workdir)
    assert not any("forged" in name[:1] for name in found) and ("padocc_projects", "forged", "published") not in found


def test_they_are_served_over_http_until_the_end_and_follow_the_files(workdir: Workdir) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "padocc_dagster.cli", "metrics", "-w", str(workdir.root), "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "WORKDIR"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, preexec_fn=dies_with_parent()) as server:
        try:
            assert f"http://127.0.0.1:{port}/metrics" in server.stdout.readline().decode()
            assert scraped(port)["padocc_projects", "g", "stopped"] == 1
            workdir.faultlist("g").write_text("b,given up\n")
            end = time.monotonic() + PATIENCE
            while scraped(port)["padocc_projects", "g", "stopped"] != 2:
                assert time.monotonic() < end
        finally:
            server.terminate()


def scraped(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return samples(answer.read().decode())
