"""Whatever dies in the middle: nothing is lost, nothing that was finished runs again, no wrong product is published."""

import itertools
import os
import re
import signal

import dagster as dg
import psutil

from padocc_dagster.partitions import PHASE_ASSETS
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import StartFailed
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster_tests.live.conftest import PATIENCE, Live, start, stop
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.killing import workers

SERIES = Series(lengths=(6,) * 4)
ATTEMPTS = itertools.count()


def drop(live: Live, name: str, projects: int) -> str:
    """Drop a group of so many projects, under a name that a second try does not have again."""
    group = f"{name}-{next(ATTEMPTS)}"
    codes = [f"p{number}" for number in range(projects)]
    live.drop(group, [{"code": code, "pattern": live.series(code, SERIES, seed)} for seed, code in enumerate(codes)])
    live.wait("the group", lambda: len(project_codes(live.workdir, group)) == projects)
    return group


def finished_once(live: Live, group: str) -> None:
    """Every phase ended once, in its order.

    PADOCC writes its row before a phase has ended: one that was killed in between is repeated and has two rows, one after the other, and
    one materialisation. A run that was killed after the end tells it again: two materialisations, one row.
    """
    for code in project_codes(live.workdir, group):
        passed = [row.phase for row in live.rows(f"{group}:{code}") if row.verdict in ("ok", "warned")]
        assert [phase for phase, _ in itertools.groupby(passed)] == list(PHASE_ASSETS)
        for phase, asset in PHASE_ASSETS.items():
            told = live.wait(f"{asset} of {code}", lambda asset=asset, code=code: materialised(live, asset, f"{group}:{code}"))
            assert 1 in (passed.count(phase), told), (phase, code, passed, told)


def materialised(live: Live, asset: str, key: str) -> int:
    """How often Dagster was told of the asset."""
    of_project = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[key])
    return len(live.instance.fetch_materializations(of_project, limit=9).records)


def all_published(live: Live, group: str) -> bool:
    return all(live.state(f"{group}:{code}").phase == "complete" for code in project_codes(live.workdir, group))


def wait_for_work(live: Live, group: str, phase: str) -> None:
    keys = [f"{group}:{code}" for code in project_codes(live.workdir, group)]
    live.wait(f"the first {phase}", lambda: any(row.phase == phase for key in keys for row in live.rows(key)))


def test_killing_the_daemon_and_the_web_server_repeats_nothing(live: Live) -> None:
    group = drop(live, "after-services", 2)
    wait_for_work(live, group, "scan")
    live.kill("daemon")
    live.kill("webserver")
    wait_for_work(live, group, "compute")
    live.kill("daemon")
    live.wait("all products", lambda: all_published(live, group))
    finished_once(live, group)


def test_killing_a_server_in_each_phase_repeats_nothing_and_retries_no_run(live: Live) -> None:
    group = drop(live, "after-servers", 2)
    for phase, service in (("scan", "code-server"), ("compute", "fork-server"), ("validate", "daemon")):
        wait_for_work(live, group, phase)
        live.kill(service)
    live.wait("all products", lambda: all_published(live, group))
    finished_once(live, group)
    for code in project_codes(live.workdir, group):
        assert len(live.runs(**{"dagster/partition": f"{group}:{code}"})) == 1


def test_a_run_that_was_lost_before_it_began_is_requested_again(live: Live) -> None:
    group = drop(live, "after-start", 6)
    queued = dg.RunsFilter(job_name="advance_project", statuses=[dg.DagsterRunStatus.QUEUED])
    lost = live.wait("a run in the queue", lambda: live.instance.get_runs(queued))[-1]
    live.instance.add_run_tags(lost.run_id, {"dagster/max_retries": "0"})  # as when the retry daemon cannot reach the code server either
    live.instance.report_run_failed(lost, "Run dequeue failed to reach the user code server")
    live.wait("all products", lambda: all_published(live, group))
    finished_once(live, group)
    project = Project.parse(lost.tags["dagster/partition"])
    assert [event.run for event in events_of(live.workdir, project) if isinstance(event, StartFailed)] == [lost.run_id]


def test_killing_a_run_at_work_repeats_that_phase_alone(live: Live) -> None:
    group = drop(live, "after-run", 1)
    wait_for_work(live, group, "scan")
    [worker] = live.wait("a worker of PADOCC", lambda: workers(live.process.pid))
    os.kill(process_of_the_run(live, f"{group}:p0"), signal.SIGKILL)
    worker.wait(PATIENCE)
    live.wait("all products", lambda: all_published(live, group))
    finished_once(live, group)


def process_of_the_run(live: Live, key: str) -> int:
    """The process in which the project's run is at work, which it tells itself."""
    [run] = live.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}, statuses=[dg.DagsterRunStatus.STARTED]))
    told = "".join(record.message for record in live.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT))
    return int(re.search(r"Executing steps in process \(pid: (\d+)\)", told)[1])


def test_killing_everything_and_starting_again_ends_with_every_product(live: Live) -> None:
    group = drop(live, "after-all", 2)
    wait_for_work(live, group, "scan")
    os.kill(live.process.pid, signal.SIGKILL)
    live.process.wait()
    live.process = start(live.workdir.root, live.port)
    live.wait("all products", lambda: all_published(live, group))
    finished_once(live, group)


def test_ending_in_the_middle_and_starting_again_ends_with_every_product(live: Live) -> None:
    group = drop(live, "after-stop", 1)
    wait_for_work(live, group, "scan")
    stop(live.process)
    assert _nothing_left(live)
    live.process = start(live.workdir.root, live.port)
    live.wait("all products", lambda: all_published(live, group))


def _nothing_left(live: Live) -> bool:
    root = str(live.workdir.root)
    return not [p for p in psutil.process_iter(["cmdline"]) if any(root in word for word in p.info["cmdline"] or ())]
