"""Runs that share jobs, with a pretended SLURM: how they get there, and what becomes of them when jobs and launchers end."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType

from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Pace
from padocc_dagster.slurm.node.report import Report, claim, write
from padocc_dagster.slurm.runs import host_ends, reconcile, tags
from padocc_dagster.slurm.runs.cancelling import terminate
from padocc_dagster.slurm.runs.hosts import View, views
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.desk import Desk

WARM = {"idle_seconds": 5, "most_jobs": 3}
BEGAN = datetime(2026, 11, 23, 3, 7, tzinfo=UTC)


@dataclasses.dataclass
class Sharing:
    """A desk whose runs share jobs, and what their hosts do."""

    desk: Desk

    def views(self) -> list[View]:
        return views(self.desk.settings.log_folder.hosts)

    def launch(self, count: int = 1, more: dict[str, str] | None = None) -> list[dg.DagsterRun]:
        runs = [self.desk.run(more) for _ in range(count)]
        for run in runs:
            self.desk.submit(run)
        return runs

    def age(self, seconds: float = 1000.0) -> None:
        """Let the hosts have been made so much earlier."""
        for view in self.views():
            host = dataclasses.replace(view.host, made_at=view.host.made_at - seconds)
            (view.folder.path / "host.json").write_text(json.dumps(dataclasses.asdict(host)))

    def host(self) -> tuple[View, int]:
        """The only host, at work, and its job."""
        self.age()
        (view,) = self.views()
        self.desk.slurm.start(view.job_id)
        view.files.report.parent.mkdir(parents=True, exist_ok=True)
        claim(view.files.report, Report(view.job_id, "n1", BEGAN))
        return view, view.job_id

    def begin(self, view: View, run: dg.DagsterRun) -> None:
        """The host claims the run, whose process starts."""
        assert view.folder.move(run.run_id, "open", "claimed")
        claim(files_of(self.desk.now(run)).report, Report(view.job_id, "n1", BEGAN))
        self.desk.event(run, DagsterEventType.RUN_START)

    def finish(self, view: View, run: dg.DagsterRun, **more: Any) -> None:
        """The run's process has ended."""
        said = {"ended": BEGAN + timedelta(seconds=31), "exit_status": 0, "peak_memory_mib": 512, **more}
        write(files_of(self.desk.now(run)).report, Report(view.job_id, "n1", BEGAN, **said))
        view.folder.move(run.run_id, "claimed", "done")

    def stop(self, view: View, **more: Any) -> None:
        """The host ends in order."""
        view.folder.close()
        write(view.files.report, Report(view.job_id, "n1", BEGAN, ended=BEGAN, exit_status=0, **more))

    def where(self, run: dg.DagsterRun) -> list[tuple[int | None, str]]:
        return [(view.job_id, state) for view in self.views() for state, runs in view.runs.items() if run.run_id in runs]


@pytest.fixture
def sharing(desk: Desk) -> Sharing:
    return Sharing(desk.with_settings(warm=WARM))


def test_runs_of_a_band_wait_in_one_job_and_one_of_another_band_does_not(sharing: Sharing) -> None:
    runs, (other,) = sharing.launch(3), sharing.launch(1, {"slurm/memory": "4G"})
    jobs = [sharing.desk.job(run) for run in runs]
    assert len(set(jobs)) == 1 and sharing.desk.job(other) not in (None, *jobs)
    assert [len(sharing.desk.slurm.calls(name)) for name in ("sbatch", "squeue", "sacct")] == [2, 0, 0]
    script = files_of(sharing.desk.now(runs[0])).script.read_text()
    assert "--signal=B:USR2@60" in script and "warm_host" in script and "#SBATCH --time=12:00:00" in script
    assert "which hosts runs of memory=2G cpus=1: time=01:00:00 memory=2G cpus=1" in sharing.desk.events_text(runs[0])


def test_a_large_run_gets_a_job_of_its_own(sharing: Sharing) -> None:
    (run,) = sharing.launch(1, {"slurm/cpus": "2"})
    assert sharing.views() == [] and sharing.desk.slurm.jobs()[0]["name"] == f"dagster-{run.run_id}-0"


def test_a_run_that_has_ended_is_settled_by_its_own_report_and_slurm_is_asked_nothing(sharing: Sharing) -> None:
    done, works = sharing.launch(2)
    view, job_id = sharing.host()
    sharing.begin(view, done)
    sharing.desk.succeed(done)
    sharing.finish(view, done)
    assert sharing.desk.look().shared == {done.run_id: "COMPLETED"}
    own = sharing.desk.own(done)
    assert (own[tags.STATE], own[tags.USED], own[tags.NODES]) == ("ended", "elapsed=00:00:31 peak=512M", "n1")
    assert f"The run's process in SLURM job {job_id} is over." in sharing.desk.events_text(done)
    assert sharing.desk.slurm.calls("sacct") == sharing.desk.slurm.calls("scontrol") == []
    assert sharing.where(done) == [] and sharing.where(works) == [(job_id, "open")]
    assert sharing.desk.look().shared == {}


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"exit_status": None, "signal": 9, "out_of_memory": True}, "OUT_OF_MEMORY"),
        ({"exit_status": None, "signal": 9, "out_of_time": True}, "TIMEOUT"),
        ({"exit_status": None, "signal": 11}, "FAILED"),
        ({"exit_status": 0}, "COMPLETED"),
    ],
)
def test_a_run_whose_process_died_fails_by_its_own_cause_and_can_be_retried(sharing: Sharing, said: dict[str, Any], cause: str) -> None:
    (run,) = sharing.launch()
    view, _ = sharing.host()
    sharing.begin(view, run)
    sharing.finish(view, run, **said)
    assert sharing.desk.look().shared == {run.run_id: cause}
    assert sharing.desk.status(run) == "FAILURE" and "Dagster retries it as attempt 2" in sharing.desk.events_text(run)


@pytest.mark.parametrize(("state", "cause"), [("NODE_FAIL", "NODE_FAIL"), ("FAILED", "FAILED"), ("TIMEOUT", "TIMEOUT")])
def test_when_a_job_dies_what_it_had_started_ends_and_what_it_had_not_goes_on(sharing: Sharing, state: str, cause: str) -> None:
    started, claimed, waiting = sharing.launch(3)
    view, job_id = sharing.host()
    sharing.begin(view, started)
    view.folder.move(claimed.run_id, "open", "claimed")  # the host died before it claimed the run's report
    sharing.desk.slurm.end(job_id, state)
    found = sharing.desk.look()
    assert found.shared == {started.run_id: cause} and set(found.moved) == {claimed.run_id, waiting.run_id}
    ((new, _),) = sharing.where(waiting)
    assert new != job_id and sharing.where(claimed) == [(new, "open")] and len(sharing.desk.slurm.calls("sacct")) == 1
    assert sharing.desk.job(waiting) == new and f"SLURM job {job_id} did not start the run" in sharing.desk.events_text(waiting)
    assert [view.job_id for view in sharing.views()] == [new]


def test_a_job_that_a_person_cancels_takes_along_what_it_had_started_alone(sharing: Sharing) -> None:
    started, waiting = sharing.launch(2)
    view, job_id = sharing.host()
    sharing.begin(view, started)
    sharing.desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 0")
    assert sharing.desk.look().shared == {started.run_id: "CANCELLED"}
    assert sharing.desk.status(started) == "CANCELED" and sharing.where(waiting) != []


def test_of_a_job_that_the_controller_forgot_what_it_had_started_is_retried_and_what_it_had_not_goes_on(sharing: Sharing) -> None:
    started, waiting = sharing.launch(2)
    view, job_id = sharing.host()
    sharing.begin(view, started)
    sharing.desk.slurm.end(job_id, "CANCELLED")
    assert sharing.desk.look().shared == {} and sharing.desk.status(started) == "STARTED"
    write(view.files.report, Report(job_id, "n1", BEGAN, ended=BEGAN, stop_signal="SIGTERM"))
    found = sharing.desk.look()
    assert found.shared == {started.run_id: "FORGOTTEN"} and found.moved == [waiting.run_id]
    assert sharing.desk.now(started).tags["dagster/will_retry"] == "true"


def test_a_job_with_another_name_and_comment_is_the_hosts_while_its_report_names_it(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    view, job_id = sharing.host()
    sharing.begin(view, run)
    sharing.desk.slurm.change(job_id, name="another name", comment="another comment")
    assert sharing.desk.look().shared == sharing.desk.look().shared == {} and sharing.where(run) == [(job_id, "claimed")]
    assert sharing.desk.slurm.calls("sacct") == []
    sharing.desk.slurm.end(job_id, "NODE_FAIL")
    assert sharing.desk.look().shared == {run.run_id: "NODE_FAIL"}


def test_a_run_that_ended_before_its_job_died_has_its_own_cause(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    view, job_id = sharing.host()
    sharing.begin(view, run)
    sharing.desk.succeed(run)
    sharing.finish(view, run)
    sharing.desk.slurm.end(job_id, "NODE_FAIL")
    assert sharing.desk.look().shared == {run.run_id: "COMPLETED"}
    assert sharing.views() == []


def test_a_job_that_cannot_begin_ends_its_runs_and_no_further_one_is_submitted(sharing: Sharing) -> None:
    runs = sharing.launch(2)
    sharing.age()
    sharing.desk.slurm.end(sharing.desk.job(runs[0]), "FAILED", exit="78:0")
    assert set(sharing.desk.look().shared.values()) == {"LAUNCH_FAILED"}
    assert [sharing.desk.status(run) for run in runs] == ["FAILURE"] * 2 and len(sharing.desk.slurm.calls("sbatch")) == 1


def test_a_run_under_which_job_after_job_dies_ends_with_the_last(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    for _ in range(host_ends.MOST_HANDED_ON):
        _, job_id = sharing.host()
        sharing.desk.slurm.end(job_id, "NODE_FAIL")
        assert sharing.desk.look().moved == [run.run_id]
    _, job_id = sharing.host()
    sharing.desk.slurm.end(job_id, "NODE_FAIL")
    assert sharing.desk.look().shared == {run.run_id: "NODE_FAIL"} and sharing.desk.status(run) == "FAILURE"


def test_what_a_host_returns_goes_to_another_job(sharing: Sharing) -> None:
    closed, returned = sharing.launch(2)
    view, job_id = sharing.host()
    view.folder.move(returned.run_id, "open", "returned")
    view.folder.close()
    assert set(sharing.desk.look().moved) == {closed.run_id, returned.run_id}
    ((new, state),) = sharing.where(closed)
    assert sharing.where(returned) == [(new, state)] and new != job_id


def test_a_host_that_has_ended_in_order_goes_without_a_question_to_slurm(sharing: Sharing) -> None:
    sharing.launch()
    view, _ = sharing.host()
    (run_id,) = view.runs["open"]
    view.folder.remove(run_id, "open")
    sharing.stop(view)
    sharing.desk.look()
    assert view not in sharing.views() and sharing.desk.slurm.calls("sacct") == []


def test_a_job_whose_launcher_died_before_sbatch_is_submitted_by_the_next_look(sharing: Sharing) -> None:
    sharing.desk.slurm.answer("sbatch", "sbatch: error: Socket timed out", once=True)
    (run,) = sharing.launch()
    assert sharing.desk.own(run)[tags.JOB_ID] == "not known yet"
    sharing.age()
    sharing.desk.look()
    sharing.desk.look()
    assert sharing.desk.job(run) and len(sharing.desk.slurm.jobs()) == 1


def test_a_job_that_was_accepted_without_an_answer_is_found_and_not_submitted_again(sharing: Sharing) -> None:
    sharing.desk.slurm.answer("sbatch", "sbatch: error: Socket timed out", once=True, after=True)
    (run,) = sharing.launch()
    sharing.age()
    sharing.desk.look()
    sharing.desk.look()
    assert sharing.desk.job(run) == sharing.desk.slurm.jobs()[0]["job_id"] and len(sharing.desk.slurm.calls("sbatch")) == 1


def test_of_two_jobs_for_a_host_the_one_that_took_charge_is_followed(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    view, job_id = sharing.host()
    sharing.begin(view, run)
    second = sharing.desk.slurm.add(job_id + 1, view.folder.path.name, "")
    view.folder.set_job_id(second)
    sharing.desk.slurm.end(second, "COMPLETED")
    assert sharing.desk.look().shared == {} and view.folder.job_id() == job_id
    assert sharing.desk.look().shared == {} and sharing.where(run) == [(job_id, "claimed")]


def test_a_job_that_slurm_refuses_fails_its_run(sharing: Sharing) -> None:
    sharing.desk.slurm.answer("sbatch", "sbatch: error: invalid partition specified")
    (run,) = sharing.launch()
    assert sharing.desk.status(run) == "FAILURE" and "SLURM does not take the job" in sharing.desk.events_text(run)
    assert sharing.where(run) == []


def test_a_run_whose_launcher_died_after_it_joined_is_found_there(sharing: Sharing, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, ended = sharing.launch(2)
    view, job_id = sharing.host()
    for run in (waiting, ended):
        sharing.desk.instance.add_run_tags(run.run_id, {tags.JOB_OF: "nobody"})
    view.folder.move(ended.run_id, "open", "claimed")
    request = view.folder.request(ended.run_id, "claimed")
    write(Path(request.report), Report(job_id, "n1", BEGAN, ended=BEGAN, exit_status=0))
    sharing.desk.succeed(ended)
    view.folder.move(ended.run_id, "claimed", "done")
    monkeypatch.setattr(reconcile, "LATE_SECONDS", -1.0)
    sharing.desk.look()
    assert sharing.desk.own(waiting)[tags.HOST] == view.host.host_id and sharing.where(waiting) == [(job_id, "open")]
    assert sharing.where(ended) == [(job_id, "done")]


def test_where_slurm_has_no_other_nodes_a_run_shares_a_job_on_those_that_failed(sharing: Sharing) -> None:
    (first,) = sharing.launch()
    view, job_id = sharing.host()
    sharing.begin(view, first)
    sharing.desk.slurm.end(job_id, "NODE_FAIL")
    sharing.desk.look()
    again = sharing.desk.run({tags.RETRY_NUMBER: "1"}, parent=sharing.desk.now(first))
    sharing.desk.slurm.answer("sbatch", "sbatch: error: Requested node configuration is not available", once=True)
    sharing.desk.submit(again)
    assert "SLURM has no other nodes for the job than n1" in sharing.desk.events_text(again) and len(sharing.where(again)) == 1
    assert [json.loads((v.folder.path / "host.json").read_text())["band"] for v in sharing.views() if v.is_open] == ["memory=2G cpus=1"]


def test_launching_again_changes_nothing(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    sharing.desk.submit(run)
    assert len(sharing.where(run)) == 1 and len(sharing.desk.slurm.calls("sbatch")) == 1


def test_a_waiting_run_is_cancelled_at_once_and_one_at_work_by_its_host(sharing: Sharing) -> None:
    waiting, works = sharing.launch(2)
    view, job_id = sharing.host()
    sharing.begin(view, works)
    for run in (waiting, works):
        assert terminate(sharing.desk.instance, run.run_id, sharing.desk.settings, sharing.desk.client)
    assert sharing.desk.status(waiting) == "CANCELED" and sharing.where(waiting) == []
    assert sharing.desk.own(waiting)[tags.CAUSE] == "CANCELLED"
    assert sharing.desk.status(works) == "CANCELING" and view.folder.runs("cancelled") == [works.run_id]
    assert sharing.desk.slurm.calls("scancel") == sharing.desk.slurm.calls("scontrol") == []
    sharing.finish(view, works, exit_status=1, stop_signal="SIGUSR1")
    assert sharing.desk.look().shared == {works.run_id: "CANCELLED"} and sharing.desk.status(works) == "CANCELED"


@pytest.mark.parametrize(("how", "cause"), [("forced", "CANCELLED"), ("failed", "-"), ("deleted", None)])
def test_a_waiting_run_that_is_over_or_deleted_is_taken_out_and_its_job_cancelled(sharing: Sharing, how: str, cause: str | None) -> None:
    (run,) = sharing.launch()
    sharing.age()
    if how == "deleted":
        sharing.desk.instance.delete_run(run.run_id)
    elif how == "failed":
        sharing.desk.instance.report_run_failed(run)
    else:
        sharing.desk.instance.report_run_canceled(run)
    sharing.desk.look()
    sharing.desk.look()
    assert cause is None or sharing.desk.own(run)[tags.CAUSE] == cause
    assert sharing.where(run) == [] and sharing.views() == [] and len(sharing.desk.slurm.calls("scancel")) == 1


def test_with_as_many_jobs_as_may_be_a_run_waits_until_one_has_room(sharing: Sharing) -> None:
    others = [sharing.launch(1, {"slurm/memory": f"{2**number}G"})[0] for number in range(3)]
    (run,) = sharing.launch(1, {"slurm/memory": "512M"})
    assert "3 jobs host runs, the most that may" in sharing.desk.events_text(run) and sharing.where(run) == []
    sharing.age()
    terminate(sharing.desk.instance, others[0].run_id, sharing.desk.settings, sharing.desk.client)
    sharing.desk.instance.add_run_tags(run.run_id, {tags.SUBMITTED_AT: "0"})
    sharing.desk.look()
    sharing.desk.look()
    assert len(sharing.where(run)) == 1


def test_where_runs_wait_for_long_half_of_them_move_to_a_further_job(sharing: Sharing) -> None:
    first, *waiting = sharing.launch(5)
    view, job_id = sharing.host()
    sharing.begin(view, first)
    view.folder.set_pace(Pace(1, 1000.0))
    assert sharing.desk.look().moved == [run.run_id for run in waiting[2:]]
    assert {state for run in waiting[:2] for state in sharing.where(run)} == {(job_id, "open")}
    assert len({state for run in waiting[2:] for state in sharing.where(run)}) == 1 and len(sharing.desk.slurm.calls("sbatch")) == 2


def test_once_runs_share_no_jobs_any_more_what_a_host_returns_gets_a_job_of_its_own(sharing: Sharing) -> None:
    (run,) = sharing.launch()
    view, _ = sharing.host()
    view.folder.close()
    alone = sharing.desk.with_settings(warm=False)
    alone.look()
    sharing.desk.instance.add_run_tags(run.run_id, {tags.SUBMITTED_AT: "0"})
    alone.look()
    assert sharing.where(run) == [] and f"dagster-{run.run_id}-0" in [job["name"] for job in sharing.desk.slurm.jobs()]


def test_a_damaged_host_folder_keeps_nobody_from_their_ends(sharing: Sharing) -> None:
    HostFolder.make(sharing.desk.settings.log_folder.hosts, Host("broken", "", "", "/log", 60, 0, 1, 1, 1, ""))
    (sharing.desk.settings.log_folder.hosts / "broken" / "host.json").write_text("{")
    done = sharing.launch()[0]
    view, _ = sharing.host()
    sharing.begin(view, done)
    sharing.desk.succeed(done)
    sharing.finish(view, done)
    assert sharing.desk.look().shared == {done.run_id: "COMPLETED"}
