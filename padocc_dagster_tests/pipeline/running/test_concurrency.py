"""Several at work at once: on two projects, and on the same one."""

from collections.abc import Callable
from pathlib import Path

from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline.killing import in_thread
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec


def test_two_projects_of_a_group_are_worked_on_at_once(tmp_path: Path) -> None:
    pair = [Made(tmp_path, Project("grp", code)) for code in ("a", "b")]
    files = [write(tmp_path / code, Series(lat=12, lon=12), seed=number) for number, code in enumerate("ab")]
    initialised(pair[0].workdir, "grp", spec("a", files[0]), spec("b", files[1]))
    for phase in ("scan", "compute"):
        results = [in_thread(lambda made=made, phase=phase: made.run(phase)) for made in pair]
        assert [result().verdict for result in results] == [Verdict.OK, Verdict.OK]
    for made in pair:
        assert made.verified()["problems"] == []


def test_a_project_started_twice_at_once_is_worked_on_once_after_the_other(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    results = [in_thread(lambda: phases.compute(made.workdir, made.project)) for _ in range(2)]
    assert [result().verdict for result in results] == [Verdict.OK, Verdict.OK]
    assert made.statuses[2:] == [("compute", "Success"), ("compute", "Success")]
    assert made.verified()["problems"] == []


def test_a_project_that_somebody_else_holds_is_refused_without_a_row(at: Callable[[str], Made], monkeypatch) -> None:
    from padocc_dagster.pipeline.running import attempt
    from padocc_dagster.pipeline.workdir import locks

    made = at("scanned")
    monkeypatch.setattr(locks.held.__wrapped__, "__defaults__", (0.3,))
    with locks.held(made.workdir.project_lock(made.project), "x"):
        before = made.rows
        outcome = attempt.scan(str(made.workdir.root), str(made.project))
    assert (outcome["verdict"], outcome["error_class"]) == (Verdict.FAILED, "LockedError")
    assert "grp:proj is being worked on by another process" in outcome["message"]
    assert made.rows == before
