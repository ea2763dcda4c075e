"""Which runs the conductor requests: what is due, once, in the right order, and again when a start was lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.batch.tags import CAUSE, JOB_OF, MAX_RETRIES, STOPPED
from padocc_dagster.conductor import requests as module
from padocc_dagster.conductor.starts import ATTEMPTS, LAUNCH_SECONDS, PAUSES, PROBLEM_AFTER, why
from padocc_dagster.partitions import ADVANCED
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded, PhaseRequested, StartFailed
from padocc_dagster.pipeline.workdir.files import write_lines, write_text
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster.runs import DUE, FAILURE_REASON, RETRY, STEP_FAILURE, WILL_RETRY
from padocc_dagster_tests.conductor.conducted import COMPLETE, COMPUTED, INIT, SCAN, VALIDATED, Conducted

ASSETS = ["scan_report", "cloud_product", "validation_report", "completed_product"]


@pytest.fixture
def conducted(tmp_path: Path) -> Iterator[Conducted]:
    with dg.instance_for_test() as instance:
        yield Conducted(tmp_path / "work", instance)


def phases(request: dg.RunRequest) -> list[str]:
    return [key.to_user_string() for key in request.asset_selection or ()]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so many seconds go by."""
    now = time.time()
    monkeypatch.setattr("padocc_dagster.conductor.starts.time.time", lambda: now + seconds)
    monkeypatch.setattr(module, "now_utc", lambda: module.datetime.fromtimestamp(now + seconds, module.UTC))


def test_one_run_takes_a_new_project_through_all_phases(conducted: Conducted) -> None:
    (request,) = conducted.due()
    assert (request.job_name, request.partition_key, phases(request)) == ("advance_project", "g:a", ASSETS)


def test_a_run_begins_with_the_phase_that_is_due(conducted: Conducted) -> None:
    conducted.rows("a", SCAN)
    (request,) = conducted.due()
    assert phases(request) == ASSETS[1:]


def test_a_product_of_plain_padocc_is_compared_alone(conducted: Conducted) -> None:
    conducted.rows("a", SCAN, COMPUTED)
    (request,) = conducted.due()
    assert (request.job_name, request.tags["dagster/partition"]) == ("compare_products", "g:a")


@pytest.mark.parametrize("status", ["STARTING", "STARTED", "CANCELING"])
def test_nothing_is_requested_while_a_run_of_the_project_is_under_way(conducted: Conducted, status: str) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "QUEUED")
    conducted.instance.report_dagster_event(_status_event(status, run), run.run_id)
    assert conducted.due() == []


def test_a_request_that_was_lost_is_made_again_with_the_same_key(conducted: Conducted) -> None:
    (first,), (second,) = conducted.due(), conducted.due()
    conducted.forget()
    (third,) = conducted.due()
    assert first.run_key == second.run_key == third.run_key


def test_a_failed_start_is_requested_again_after_growing_pauses_and_counted(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for number, pause in enumerate(PAUSES[:3], start=1):
        (request,) = conducted.due()
        keys.add(request.run_key)
        conducted.run(request, "FAILURE", **{WILL_RETRY: "false"})
        assert conducted.due() == []
        failed = conducted.events(StartFailed)[-1]
        assert (failed.count, failed.reason) == (number, "the worker is gone")
        later(monkeypatch, pause + 1)
    assert len(keys) == 3
    assert conducted.statuses() == [INIT]
    assert "g:a: scan did not start (the worker is gone); next try at" in conducted.logged[0]


def test_a_launch_that_was_interrupted_is_reported_as_failed_and_made_again(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "QUEUED", **{MAX_RETRIES: "0"})
    conducted.instance.report_dagster_event(_status_event("STARTING", run), run.run_id)
    assert conducted.due() == []
    later(monkeypatch, LAUNCH_SECONDS + 1)
    conducted.tick()
    assert conducted.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
    later(monkeypatch, LAUNCH_SECONDS + PAUSES[0] + 2)
    (again,) = conducted.due()
    assert again.run_key != request.run_key


def test_many_failed_starts_are_reported_as_a_problem_of_the_deployment(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(PROBLEM_AFTER):
        (request,) = conducted.due()
        conducted.run(request, "FAILURE")
        conducted.due()
        later(monkeypatch, PAUSES[-1] + 1)
    assert "padocc-dagster doctor" in conducted.logged[-1]


def test_a_run_that_found_the_project_locked_is_requested_again(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "QUEUED", **{FAILURE_REASON: STEP_FAILURE})
    conducted.end(run, "FAILURE", started=True)
    assert conducted.due() == []
    later(monkeypatch, PAUSES[0] + 1)
    assert len(conducted.due()) == 1


def test_a_worker_that_died_is_left_to_dagsters_retry_and_requested_when_that_was_missed(
    conducted: Conducted, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "QUEUED", **{WILL_RETRY: "true"})
    conducted.end(run, "FAILURE", started=True)
    conducted.instance.add_run_tags(run.run_id, {WILL_RETRY: "true"})
    assert conducted.due() == []
    later(monkeypatch, 61)
    assert len(conducted.due()) == 1


def dies(conducted: Conducted, request: dg.RunRequest, run: dg.DagsterRun | None = None) -> None:
    """The worker of a requested run dies, and that of each retry."""
    for number in range(ATTEMPTS):
        conducted.end(run if run and not number else conducted.run(request, "QUEUED"), "FAILURE", started=True)


def test_a_worker_that_died_and_is_not_retried_by_dagster_is_requested_again(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = conducted.due()
    conducted.end(conducted.run(request, "QUEUED"), "FAILURE", started=True)
    assert conducted.due() == []
    later(monkeypatch, PAUSES[0] + 1)
    (again,) = conducted.due()
    assert again.run_key != request.run_key and conducted.statuses() == [INIT]


def test_a_worker_that_died_so_many_times_leaves_a_row_that_says_so(conducted: Conducted) -> None:
    (request,) = conducted.due()
    dies(conducted, request)
    assert conducted.due() == []
    assert conducted.statuses() == [INIT, ("scan", "Failed-WorkerDiedError")]
    (ended,) = conducted.events(PhaseEnded)
    assert "the worker is gone" in ended.message


def test_a_worker_that_died_in_a_later_phase_leaves_the_row_of_that_phase(conducted: Conducted) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "QUEUED")
    conducted.rows("a", SCAN)
    conducted.event("a", PhaseEnded(project="g:a", phase="scan", verdict=Verdict.OK, status="Success", run=run.run_id, row=2))
    conducted.end(run, "FAILURE", started=True)
    conducted.instance.add_run_tags(run.run_id, {JOB_OF: run.run_id, STOPPED: "yes"})
    assert conducted.due() == []
    assert conducted.statuses()[-1] == ("compute", "Failed-WorkerDiedError")


def test_after_a_run_that_was_to_scan_alone_the_rest_is_requested(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "phases_together", lambda _, __, phase, ___: ("scan",) if phase == "scan" else ADVANCED[1:])
    (request,) = conducted.due()
    assert phases(request) == ["scan_report"]
    run = conducted.run(request, "QUEUED")
    conducted.rows("a", SCAN)
    conducted.event("a", PhaseEnded(project="g:a", phase="scan", verdict=Verdict.OK, status="Success", run=run.run_id, row=2))
    conducted.end(run, "SUCCESS")
    (request,) = conducted.due()
    assert phases(request) == ASSETS[1:]


def test_a_job_that_was_cancelled_on_the_cluster_is_not_requested_again(conducted: Conducted) -> None:
    (request,) = conducted.due()
    run = conducted.run(request, "FAILURE")
    conducted.instance.add_run_tags(run.run_id, {JOB_OF: run.run_id, CAUSE: "CANCELLED"})
    assert conducted.due() == []
    assert conducted.statuses()[-1] == ("scan", "Failed-JobCancelled")


def test_a_run_that_failed_says_nothing_of_what_plain_padocc_did_since(conducted: Conducted) -> None:
    (request,) = conducted.due()
    dies(conducted, request)
    conducted.due()
    conducted.rows("a", SCAN)
    (request,) = conducted.due()
    assert phases(request) == ASSETS[1:]


def test_a_queued_run_that_a_person_cancelled_stops_its_project_until_somebody_requests_the_phase(conducted: Conducted) -> None:
    (request,) = conducted.due()
    conducted.run(request, "CANCELED")
    assert conducted.due() == []
    assert conducted.statuses()[-1] == ("scan", "Failed-JobCancelled")
    conducted.event("a", PhaseRequested(phase="scan", row=2, who="ada", why="again", tags={"slurm/time": "02:00:00"}))
    (request,) = conducted.due()
    assert (request.tags["slurm/time"], phases(request)) == ("02:00:00", ASSETS)


def test_projects_closest_to_completion_come_first(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        conducted = Conducted(tmp_path / "work", instance, "abcd")
        conducted.rows("b", SCAN, COMPUTED, VALIDATED)
        conducted.event("b", Compared(row=3, passed=True, product="x"))
        conducted.rows("c", SCAN)
        conducted.rows("d", SCAN, COMPUTED, VALIDATED, COMPLETE)
        requests = conducted.due()
        assert [request.partition_key for request in requests] == ["g:b", "g:c", "g:a"]
        priorities = [int(request.tags["dagster/priority"]) for request in requests]
        assert priorities == sorted(priorities, reverse=True)


def test_the_queue_is_kept_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "most_concurrent_runs", lambda _: 2)
    with dg.instance_for_test() as instance:
        conducted = Conducted(tmp_path / "work", instance)
        codes = [f"p{number:03d}" for number in range(100)]
        for code in codes:
            conducted.rows(code, INIT)
        write_lines(conducted.workdir.main_list("g"), codes)
        first = conducted.due()
        assert len(first) == 2 + module.AHEAD
        for request in first:
            conducted.run(request, "QUEUED")
        assert conducted.due() == []


def test_a_project_on_the_faultlist_and_a_group_with_a_shpignore_are_left_alone(conducted: Conducted) -> None:
    write_text(conducted.workdir.faultlist("g"), "a,hopeless")
    assert conducted.due() == []
    conducted.workdir.faultlist("g").unlink()
    ignore = conducted.workdir.group_dir("g") / ".shpignore"
    ignore.touch()
    assert conducted.due() == []
    ignore.unlink()
    assert len(conducted.due()) == 1


def test_a_group_that_nobody_initialised_or_adopted_here_is_left_alone(conducted: Conducted) -> None:
    (conducted.workdir.group_dir("g") / "padocc_dagster" / "managed").unlink()
    assert conducted.tick() == []


def test_a_second_look_at_an_unchanged_project_reads_nothing(conducted: Conducted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padocc_dagster.pipeline.running.standings.SETTLED_NS", 0)
    standings = conducted.memory.standings
    assert standings.look() == [Project("g", "a")]
    monkeypatch.setattr("padocc_dagster.pipeline.running.standings.read_standing", lambda *_: pytest.fail("read again"))
    assert standings.look() == []


def test_the_run_key_and_the_tag_name_the_same_work(conducted: Conducted) -> None:
    (request,) = conducted.due()
    assert request.run_key == f"{request.tags[DUE]}/0" == "g:a/scan/1/0"


def test_a_retry_of_dagsters_counts_as_the_run_that_it_retries(conducted: Conducted) -> None:
    (request,) = conducted.due()
    first = conducted.run(request, "QUEUED")
    conducted.end(first, "FAILURE", started=True)
    retry = conducted.run(request, "QUEUED", **{RETRY: "1", "dagster/parent_run_id": first.run_id})
    conducted.rows("a", SCAN)
    conducted.event("a", PhaseEnded(project="g:a", phase="scan", verdict=Verdict.OK, status="Success", run=first.run_id, row=2))
    conducted.end(retry, "FAILURE", started=True)
    conducted.instance.add_run_tags(retry.run_id, {JOB_OF: retry.run_id, STOPPED: "yes"})
    assert conducted.due() == []
    assert conducted.statuses()[-1] == ("compute", "Failed-WorkerDiedError")


def _status_event(status: str, run: dg.DagsterRun) -> dg.DagsterEvent:
    kinds = {"STARTING": "RUN_STARTING", "STARTED": "RUN_START", "CANCELING": "RUN_CANCELING"}
    return dg.DagsterEvent(event_type_value=dg.DagsterEventType[kinds[status]].value, job_name=run.job_name)


def test_status_shows_a_failed_start_and_when_the_next_follows(conducted: Conducted) -> None:
    (request,) = conducted.due()
    conducted.run(request, "FAILURE")
    conducted.due()
    state = project_state(conducted.workdir, Project("g", "a"))
    assert "the start of scan failed, next try at" in state.why and "the worker is gone" in state.why
    conducted.rows("a", SCAN)
    assert not project_state(conducted.workdir, Project("g", "a")).why


def test_the_runs_that_follow_a_step_name_it(conducted: Conducted) -> None:
    conducted.rows("a", SCAN, ("compute", "Failed-KeyError"))
    (request,) = (conducted.event("a", PhaseRequested(phase="scan", row=3, who="ada", why="new files")), conducted.due())[1]
    assert request.tags[module.BECAUSE] == "scan again (ada: new files)"


def test_why_a_run_failed_is_the_first_line_of_its_steps_failure() -> None:
    @dg.asset
    def failing() -> None:
        raise dg.Failure("the disk of /archive is full\nWhat to do: free space")

    with dg.DagsterInstance.ephemeral() as instance:
        failed = dg.materialize([failing], instance=instance, raise_on_error=False).run_id
        assert why(instance, instance.get_run_by_id(failed)) == "the disk of /archive is full"
