"""A published product is withdrawn in one rename, with a note for readers, or a change of its sources is accepted."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from padocc_dagster.pipeline.making.next_version import next_version
from padocc_dagster.pipeline.steps.accept import accept
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.steps.withdraw import with_published, withdraw
from padocc_dagster.pipeline.watch.findings import Result
from padocc_dagster.pipeline.watch.recorded import recorded_of
from padocc_dagster.pipeline.watch.rounds import watch_project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.published import published_of
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster.pipeline.workdir.withdrawn import withdrawals
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.interrupting import interrupted_at
from padocc_dagster_tests.pipeline.projects import Made
from padocc_dagster_tests.pipeline.watch.test_watch import as_padocc_publishes

At = Callable[[str], Made]
ADA = By("ada", "sources were replaced")


@pytest.fixture
def made(at: At) -> Made:
    made = at("validated")
    made.through("publish")
    return made


def reads(made: Made) -> list[str]:
    """What a reader sees who lists the folder."""
    return sorted(name for name in os.listdir(made.workdir.completed / "grp") if not name.startswith("."))


def result(made: Made) -> list[Result]:
    return [finding.result for finding in watch_project(made.workdir, made.project).findings]


def test_a_withdrawn_product_is_gone_and_a_reader_finds_who_why_and_what_to_use(made: Made) -> None:
    done = withdraw(made.workdir, [made.project], ADA)
    assert not done.not_done and "proj_k1.0 withdrawn" in done.done[made.project]
    assert reads(made) == ["proj_k1.0.WITHDRAWN.txt"]
    note = (made.workdir.completed / "grp" / "proj_k1.0.WITHDRAWN.txt").read_text()
    for words in ("proj_k1.0.json was withdrawn on 20", "by ada", "sources were replaced", "No other version is published yet"):
        assert words in note
    kept = made.workdir.completed / "grp" / ".withdrawn" / "proj_k1.0"
    assert sorted(os.listdir(kept)) == ["proj_k1.0.json", "proj_k1.0_report.json"]
    assert published_of(made.workdir, made.project) == []
    assert watch_project(made.workdir, made.project).findings == ()


def test_the_note_names_what_readers_can_use_instead(made: Made) -> None:
    made.run("compute", new_version=True)
    assert made.verified()["passed"]
    made.through("validate", "publish")
    refused = withdraw(made.workdir, [made.project], ADA)
    assert "k1.0, k1.1" in refused.not_done[made.project]
    withdraw(made.workdir, [made.project], ADA, "k1.0")
    assert reads(made) == ["proj_k1.0.WITHDRAWN.txt", "proj_k1.1"]
    assert "Use proj_k1.1 in this folder instead" in (made.workdir.completed / "grp" / "proj_k1.0.WITHDRAWN.txt").read_text()


def test_a_dry_run_withdraws_nothing(made: Made) -> None:
    assert made.project in withdraw(made.workdir, [made.project], ADA, dry_run=True).done
    assert reads(made) == ["proj_k1.0"]


def test_an_unknown_revision_and_an_unpublished_project_are_refused(made: Made, at: At) -> None:
    assert "'k9.9' of it is not published" in withdraw(made.workdir, [made.project], ADA, "k9.9").not_done[made.project]
    other = at("validated")
    assert "nothing of it is published" in withdraw(other.workdir, [other.project._replace(code="x")], ADA).not_done[("grp", "x")]


def test_a_withdrawn_revision_is_never_published_again_and_the_next_one_is(made: Made) -> None:
    withdraw(made.workdir, [made.project], ADA)
    for links in (None, {str(made.root / "sources"): "https://data.example.org/archive"}):
        outcome = made.run("publish", links=links)
        assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "AlreadyPublishedError")
        assert "withdrawn by ada (sources were replaced)" in outcome.message and "new_version" in outcome.message
    assert next_version(made.workdir, made.project) == "1.1"
    made.run("compute", new_version=True)
    assert made.verified()["passed"]
    made.through("validate", "publish")
    assert reads(made) == ["proj_k1.0.WITHDRAWN.txt", "proj_k1.1"]


def test_withdrawing_twice_keeps_the_first_reason(made: Made) -> None:
    withdraw(made.workdir, [made.project], ADA)
    again = withdraw(made.workdir, [made.project], By("bob", "again"))
    assert "is withdrawn already, by ada" in again.done[made.project]
    assert [(each.who, each.why) for each in withdrawals(made.workdir.completed / "grp")] == [ADA]


@pytest.mark.parametrize("by_padocc", [False, True])
def test_a_withdrawal_interrupted_anywhere_and_repeated_completes(at: At, by_padocc: bool) -> None:
    for count in range(1, 100):
        made = at("validated")
        made.through("publish")
        if by_padocc:
            as_padocc_publishes(made, "grp")
        was_interrupted = interrupted_at(count, made.workdir.completed, partial(withdraw, made.workdir, [made.project], ADA))
        if was_interrupted and published_of(made.workdir, made.project):
            (finding,) = watch_project(made.workdir, made.project).findings
            assert finding.result is Result.UNCHANGED or "withdraw it again" in finding.look.problem
        done = withdraw(made.workdir, [made.project], By("bob", "repeated"))
        assert not done.not_done
        assert published_of(made.workdir, made.project) == []
        folder = made.workdir.completed / "grp" / ("data" if by_padocc else "")
        assert [path.name for path in folder.glob("proj_*")] == ["proj_k1.0.WITHDRAWN.txt"]
        kept = made.workdir.completed / "grp" / ".withdrawn" / "proj_k1.0" / "proj_k1.0.json"
        assert kept.is_file() and len(withdrawals(made.workdir.completed / "grp")) == 1
        if not was_interrupted:
            assert count > 3
            return
        shutil.rmtree(made.root)
    raise AssertionError("the withdrawal never ended")


def test_a_product_of_a_removed_project_can_be_withdrawn(made: Made) -> None:
    made.workdir.main_list("grp").write_text("another")
    projects = with_published(made.workdir, Choice(projects=(str(made.project),)))
    assert projects == [made.project]
    assert made.project in withdraw(made.workdir, projects, ADA).done


def test_an_accepted_change_is_green_from_then_on_and_says_who_and_why(made: Made) -> None:
    sources.same_values(made.sources[1])
    assert result(made) == [Result.EQUAL]
    done = accept(made.workdir, [made.project], By("ada", "the archive moved"))
    assert "1 changed source file(s) of proj_k1.0 accepted" in done.done[made.project]
    assert result(made) == [Result.UNCHANGED]
    (product,) = published_of(made.workdir, made.project)
    recorded = recorded_of(made.workdir, product, made.project)
    assert (recorded.who, recorded.why, recorded.origin) == ("ada", "the archive moved", "accepted")
    sources.same_values(made.sources[2])
    assert result(made) == [Result.EQUAL]


@pytest.mark.parametrize(
    "damage",
    [lambda path: sources.rewritten(path, path.with_name("f_000.nc")), Path.unlink],
    ids=["other values", "missing"],
)
def test_a_change_after_which_values_differ_is_not_accepted(made: Made, damage: Callable[[Path], None]) -> None:
    damage(made.sources[1])
    done = accept(made.workdir, [made.project], ADA)
    assert not done.done and "withdraw it" in done.not_done[made.project]
    assert result(made) == [Result.DIFFERS]


def test_nothing_is_accepted_by_a_dry_run_or_where_nothing_changed(made: Made) -> None:
    assert "nothing to accept" in accept(made.workdir, [made.project], ADA).done[made.project]
    sources.same_values(made.sources[1])
    assert made.project in accept(made.workdir, [made.project], ADA, dry_run=True).done
    assert result(made) == [Result.EQUAL]


def test_what_changes_while_it_is_accepted_is_not_accepted(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from padocc_dagster.pipeline.steps import accept as step

    once = step.recompared
    sources.same_values(made.sources[1])

    def changed_before(*arguments: object) -> object:
        sources.same_values(made.sources[2])
        return once(*arguments)

    monkeypatch.setattr(step, "recompared", changed_before)
    done = accept(made.workdir, [made.project], ADA)
    assert "changed while they were compared" in done.not_done[made.project]


def test_an_acceptance_interrupted_anywhere_and_repeated_completes(made: Made) -> None:
    sources.same_values(made.sources[1])
    count = 1
    while interrupted_at(count, made.workdir.completed, lambda: accept(made.workdir, [made.project], ADA)):
        count += 1
        assert result(made) in ([Result.EQUAL], [Result.UNCHANGED])
    assert count > 2 and result(made) == [Result.UNCHANGED]
