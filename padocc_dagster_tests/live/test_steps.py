"""Manual steps on a live instance: each is followed by everything downstream, and by nothing twice."""

import json

import dagster as dg
import pytest
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster_tests.live.conftest import Live
from padocc_dagster_tests.make_netcdf import Series, cut_short

SERIES = Series(lengths=(4, 4, 4), lat=12, lon=12)
CHAIN = ["init", "scan", "compute", "validate", "complete"]


def take(live: Live, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "-w", str(live.workdir.root), "--why", "seen by eye", "--who", "ada"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def phases(live: Live, key: str) -> list[str]:
    return [row.phase for row in live.rows(key)]


@pytest.fixture(scope="module")
def group(live: Live) -> str:
    """A group: two projects that stop at the scan, for want of a file that can be read, and one that is published."""
    for name in ("one", "two"):
        live.series(f"bad-{name}", SERIES)
        cut_short(live.sources / f"bad-{name}" / "f_001.nc")
    damaged = [{"code": name, "pattern": f"{live.sources}/bad-{name}/*.nc"} for name in ("one", "two")]
    live.drop("grp", [*damaged, {"code": "good", "pattern": live.series("good", SERIES)}])
    live.wait("two failures", lambda: all(live.state(f"grp:{name}").verdict is Verdict.FAILED for name in ("one", "two")))
    live.wait("one product", lambda: live.state("grp:good").phase == "complete")
    return "grp"


def test_projects_edited_together_go_through_each_phase_once_in_one_run_each(live: Live, group: str) -> None:
    for name in ("one", "two"):
        live.series(f"bad-{name}", SERIES)  # the owner of the files has mended them
    asked = ("edit", "--group", group, "--outcome", "failed", "--set", "updates.title=mended")
    assert "grp:one" in take(live, *asked, "--dry-run") and phases(live, "grp:one") == ["init", "scan"]
    take(live, *asked)
    for name in ("one", "two"):
        live.wait(f"{name} to be published", lambda name=name: live.state(f"{group}:{name}").phase == "complete")
        assert phases(live, f"{group}:{name}") == ["init", "scan", *CHAIN]
        assert len(live.runs(**{"dagster/partition": f"{group}:{name}"})) == 2  # the one that stopped, and the one after the edit


def test_a_new_version_stands_beside_the_published_product(live: Live, group: str) -> None:
    folder = live.workdir.completed / group
    old = (folder / "good_k1.0" / "good_k1.0.json").read_bytes()
    told = take(live, "recompute", f"{group}:good", "--new-version", "--aggregator", "K")
    assert "k1.0a.json is kept" in told
    live.wait("version 1.1", lambda: (folder / "good_k1.1" / "good_k1.1.json").exists())
    assert (folder / "good_k1.0" / "good_k1.0.json").read_bytes() == old
    live.wait("its row", lambda: phases(live, f"{group}:good") == [*CHAIN, "compute", "validate", "complete"])


def test_a_faultlisted_project_is_passed_over_and_goes_on_when_taken_off(live: Live, group: str) -> None:
    take(live, "faultlist", "add", f"{group}:two")
    live.wait("the overview to say so", lambda: "two" in _stopped(live))
    live.drop("held", [{"code": "late", "pattern": live.series("late", SERIES)}])
    live.wait("it to be in its group", lambda: project_codes(live.workdir, "held"))
    take(live, "faultlist", "add", "held:late")
    take(live, "edit", "held:late", "--set", "updates.title=edited while given up")
    assert phases(live, "held:late")[-1] == "init"
    take(live, "faultlist", "remove", "held:late")
    live.wait("late to be published", lambda: live.state("held:late").phase == "complete")
    assert phases(live, "held:late")[-5:] == CHAIN


def test_a_fatal_validation_is_held_until_somebody_ticks_it_and_the_report_says_who(live: Live, group: str) -> None:
    live.wait("quiet", lambda: not live.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])))
    append_row(live.workdir.status_log(Project(group, "one")), "validate", "(K)Fatal-data_errors")
    take(live, "tick", f"{group}:one")
    live.wait("one to be published", lambda: live.state(f"{group}:one").phase == "complete")
    [folder] = (live.workdir.completed / group).glob("one_*")
    assert phases(live, f"{group}:one")[-3:] == ["validate", "validate", "complete"]
    history = json.loads((folder / f"{folder.name}_report.json").read_text())
    assert history["project"] == f"{group}:one"


def _stopped(live: Live) -> str:
    event = live.instance.get_latest_materialization_event(dg.AssetKey("group_overview"))
    return str(event.asset_materialization.metadata["stopped projects"].value) if event else ""
