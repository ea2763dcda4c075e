"""What each project is doing or waits for, decided from its files and the run that Dagster has for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import PhaseBegan, PhaseRequested, StartFailed
from padocc_dagster.pipeline.workdir.files import write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.rules import set_rules
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster.status import Kind, Standing, standings
from padocc_dagster.status.activity import Activity, Doing
from padocc_dagster.status.totals import duration, totals
from padocc_dagster_tests.pipeline.standing import COMPUTED, INIT, SCANNED, WARNED, standing

PUBLISHED = (*WARNED, ("complete", "Success"))
FAILED = (*SCANNED, ("compute", "Failed-KeyError"))
NOW = datetime(2026, 1, 2, 3, 4, 5)


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    states = {"published": PUBLISHED, "failed": FAILED, "scanned": SCANNED, "warned": WARNED, "computed": COMPUTED, "new": ()}
    made = standing(tmp_path, {"g": states, "plain": {"scanned": INIT}})
    manage(made, "g")
    return made


def of(workdir: Workdir, code: str, **doing: Activity) -> Standing:
    found = {row.project.code: row for row in standings(workdir, "g", {f"g:{key}": each for key, each in doing.items()})}
    return found[code]


@pytest.mark.parametrize(
    ("code", "kind", "why"),
    [
        ("published", Kind.PUBLISHED, ""),
        ("failed", Kind.STOPPED, "Failed-KeyError"),
        ("scanned", Kind.DUE, "compute is next"),
        ("computed", Kind.DUE, "validate is next"),
        ("warned", Kind.DUE, "complete is next"),
        ("new", Kind.DUE, "not initialised"),
    ],
)
def test_a_project_without_a_run_is_published_stopped_or_due(workdir: Workdir, code: str, kind: Kind, why: str) -> None:
    row = of(workdir, code)
    assert row.kind is kind and why in row.why and row.now is None


def test_a_project_whose_product_was_withdrawn_is_not_published_until_another_is(workdir: Workdir) -> None:
    shelf = workdir.completed / "g"
    write_json(
        shelf / ".withdrawn" / "published_k1.0_withdrawal.json", {"name": "published_k1.0", "who": "ada", "why": "wrong", "when": ""}
    )
    row = of(workdir, "published")
    assert (row.kind, row.word, row.why) == (Kind.WITHDRAWN, "withdrawn", "published_k1.0, by ada: wrong")
    assert "1 withdrawn" in totals([row]) and row.as_dict()["state"] == "withdrawn" and not row.kind.moves
    (shelf / "published_k1.1").mkdir()
    assert of(workdir, "published").kind is Kind.PUBLISHED


def test_a_run_goes_before_what_the_files_say_and_hides_an_old_reason(workdir: Workdir) -> None:
    row = of(workdir, "failed", failed=Activity(Doing.QUEUED, "r", NOW, "number 1 of 2 in the queue", 1))
    assert (row.kind, row.word, row.why, row.since) == (Kind.QUEUED, "queued", "number 1 of 2 in the queue", NOW)
    assert row.as_dict()["outcome"] == "failed" and row.as_dict()["now"]["position"] == 1


def test_a_running_project_shows_the_phase_at_work(workdir: Workdir) -> None:
    record(workdir, Project("g", "scanned"), PhaseBegan(phase="compute", run="r", row=2))
    row = of(workdir, "scanned", scanned=Activity(Doing.RUNNING, "r", NOW))
    assert (row.phase, row.word, row.why) == ("compute", "running", "")
    assert row.as_dict()["phase"] == "scan", "JSON keeps its form: the last phase that ended"


def test_a_failed_project_for_which_a_phase_is_requested_is_due(workdir: Workdir) -> None:
    record(workdir, Project("g", "failed"), PhaseRequested(phase="compute", who="ada", why="x", row=3))
    row = of(workdir, "failed")
    assert row.kind is Kind.DUE and "compute is requested" in row.why


def test_a_start_that_failed_is_tried_again_and_counts_as_no_stop(workdir: Workdir) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    failed = StartFailed(phase="compute", run="r", reason="no fork server", count=2, retry_at=later, row=2)
    record(workdir, Project("g", "scanned"), failed)
    row = of(workdir, "scanned")
    assert row.kind is Kind.RETRIED and "2 starts of compute failed, next try at" in row.why and "compute is next" not in row.why


def test_a_project_on_the_faultlist_is_given_up(workdir: Workdir) -> None:
    workdir.faultlist("g").write_text("failed,no time\n")
    assert of(workdir, "failed").kind is Kind.GIVEN_UP


def test_a_warning_that_a_rule_holds_back_waits_for_a_tick(workdir: Workdir) -> None:
    set_rules(workdir, "g", {"complete_on_warnings": "none"}, By("ada", "careful"))
    row = of(workdir, "warned")
    assert row.kind is Kind.HELD and "waits for a tick" in row.why
    assert of(workdir, "published").kind is Kind.PUBLISHED


def test_a_group_that_was_not_adopted_is_left_to_padocc(workdir: Workdir) -> None:
    (row,) = standings(workdir, "plain")
    assert row.kind is Kind.PADOCC and not row.kind.moves


def test_a_group_that_shepard_is_kept_away_from_is_held_back_but_for_what_a_person_requested(workdir: Workdir) -> None:
    (workdir.group_dir("g") / ".shpignore").touch()
    assert of(workdir, "scanned").kind is Kind.HELD and ".shpignore" in of(workdir, "scanned").why
    assert of(workdir, "published").kind is Kind.PUBLISHED
    record(workdir, Project("g", "failed"), PhaseRequested(phase="compute", who="ada", why="x", row=3))
    assert of(workdir, "failed").kind is Kind.DUE


def test_the_totals_name_what_there_is_in_the_order_of_a_projects_life(workdir: Workdir) -> None:
    doing = {
        "g:scanned": Activity(Doing.RUNNING, "a", NOW),
        "g:warned": Activity(Doing.QUEUED, "b", NOW),
        "g:computed": Activity(Doing.QUEUED, "c", NOW),
        "g:new": Activity(Doing.WAITING, "d", NOW),
    }
    rows = standings(workdir, "g", doing)
    expected = "1 of 6 published, 1 running, 1 waiting in the cluster, 2 queued, 1 stopped, about 20 min left"
    assert totals(rows, 0.3) == expected
    assert totals(rows, None) == expected.rpartition(",")[0]


@pytest.mark.parametrize(
    ("hours", "words"), [(0.01, "a minute"), (0.1, "6 min"), (0.37, "20 min"), (1.4, "85 min"), (5.4, "5 hours"), (72, "3 days")]
)
def test_a_time_has_as_few_digits_as_an_estimate_deserves(hours: float, words: str) -> None:
    assert duration(hours) == words
