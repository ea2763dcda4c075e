"""Steps from the command line: done, printed with what follows, and recorded in the project's events. Nothing is run in Dagster."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from padocc_dagster.actions.jobs import STEPS
from padocc_dagster.commands import ask
from padocc_dagster.commands.ask import account
from padocc_dagster.commands.steps import COMMANDS
from padocc_dagster.pipeline.running.due import Due, due_of
from padocc_dagster.pipeline.workdir.event_log import events_of, history_of
from padocc_dagster.pipeline.workdir.events import Faultlisted, PhaseRequested, Ticked, Unfaultlisted, Unticked
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster.services.home import Home
from padocc_dagster.services.page import Page
from padocc_dagster_tests.commands.conftest import Command, files_of
from padocc_dagster_tests.pipeline.projects import Made
from padocc_dagster_tests.pipeline.standing import COMPUTED, SCANNED, standing


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    made = standing(tmp_path, {"a": {"one": SCANNED, "two": SCANNED, "three": COMPUTED}})
    manage(made, "a")
    return made


def due(workdir: Workdir, key: str) -> Due | None:
    project = Project.parse(key)
    return due_of(read_rows(workdir.status_log(project)), events_of(workdir, project))


def test_every_step_is_a_command_and_a_job() -> None:
    own = {"add_projects", "add_back_projects", "adopt_groups", "faultlist_projects", "set_rules", "unfaultlist_projects"}
    assert {step.job for step in STEPS} == {step.job for step in COMMANDS.values()} | own


def test_a_step_is_printed_and_recorded_with_who_and_why(workdir: Workdir, command: Command) -> None:
    result = command(workdir, "faultlist", "add", "a:one", why="grid is broken")
    assert result.exit_code == 0 and "a:one: on the faultlist: grid is broken (ada;" in result.output
    assert list(faultlist(workdir, "a")) == ["one"]
    (step,) = history_of(workdir, Project("a", "one"))
    assert (step.who, step.why) == ("ada", "grid is broken") and isinstance(step, Faultlisted)
    assert "a:one: grid is broken" in command(workdir, "faultlist", "list", why=None).output
    assert "a:one: grid is broken" in command(workdir, "faultlist", "list", "a", why=None).output
    assert command(workdir, "faultlist", "list", "b", why=None).exit_code == 1
    assert "a:one: off the faultlist" in command(workdir, "faultlist", "remove", "a:one", why="mended").output
    assert isinstance(history_of(workdir, Project("a", "one"))[-1], Unfaultlisted) and not faultlist(workdir, "a")


def test_a_step_records_the_account_of_its_process_and_another_name_as_typed(
    workdir: Workdir, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "account", account)
    monkeypatch.setenv("LOGNAME", "eve")
    user = pwd.getpwuid(os.getuid()).pw_name
    for who, recorded in ((None, user), (user, user), ("Ada", f"{user} (typed: Ada)")):
        assert command(workdir, "rescan", "a:one", who=who).exit_code == 0
        assert history_of(workdir, Project("a", "one"))[-1].who == recorded


def test_a_computation_is_requested_with_its_choices_its_time_and_its_memory(workdir: Workdir, command: Command) -> None:
    words = ("recompute", "a:*", "--cloud-format", "zarr", "--new-version", "--memory", "16G", "--time", "02:00:00")
    result = command(workdir, *words)
    assert result.exit_code == 0 and "a:one: compute again with cloud format zarr, new version" in result.output, result.output
    for key in ("a:one", "a:two", "a:three"):
        found = due(workdir, key)
        assert found and found.phase == "compute" and found.request
        assert found.request.choices == {"cloud_format": "zarr", "new_version": True}
        assert found.request.tags == {"padocc/memory": "16G", "padocc/time": "02:00:00"}
        assert (found.request.who, found.request.why) == ("ada", "a reason")


@pytest.mark.parametrize(("words", "phase"), [(("rescan", "a:three"), "scan"), (("revalidate", "a:three"), "validate")])
def test_a_phase_is_requested_until_it_was_tried(workdir: Workdir, command: Command, words: tuple[str, ...], phase: str) -> None:
    before = due(workdir, "a:three")
    assert command(workdir, *words).exit_code == 0
    found = due(workdir, "a:three")
    assert found and found.phase == phase and found.request and found != before
    append_row(workdir.status_log(Project("a", "three")), phase, "Failed-KeyError")
    assert due(workdir, "a:three") is None


def test_without_an_instance_it_is_said_that_nothing_follows(workdir: Workdir, command: Command) -> None:
    result = command(workdir, "rescan", "a:*")
    up = f"padocc-dagster up -w {workdir.root}"
    assert f"3 project(s). Nothing follows until an instance serves {workdir.root}: start it with `{up}`." in result.output
    files_of(workdir.root)  # no folder of an instance was made


def test_beside_an_instance_it_is_said_what_follows_and_how_to_watch_it(workdir: Workdir, command: Command) -> None:
    home = Home(workdir)
    home.prepare()
    home.write_address(Page(home.page_socket, 3999))
    with FileLock(home.lock):
        result = command(workdir, "rescan", "a:*")
    assert "3 project(s). The scans follow, then all that builds on them." in result.output
    assert "http://127.0.0.1:3999)." in result.output
    assert f"`padocc-dagster status a --watch -w {workdir.root}`, or in the browser (" in result.output


def test_what_cannot_start_is_printed_and_the_others_are_done(workdir: Workdir, command: Command) -> None:
    command(workdir, "faultlist", "add", "a:two")
    result = command(workdir, "revalidate", "a:*")
    assert result.exit_code == 1
    assert "a:three: validate again" in result.stdout and "1 project(s)." in result.stdout
    assert "1 done, 2 not done" in result.stderr
    assert "a:one: compute has not been run" in result.stderr and "a:two: on the faultlist" in result.stderr
    assert [bool(events_of(workdir, Project("a", code))) for code in ("one", "two", "three")] == [False, True, True]


@pytest.mark.parametrize("words", ["recompute", "tick"])
def test_a_project_at_work_is_printed_as_not_done_and_the_others_are_done(workdir: Workdir, command: Command, words: str) -> None:
    one = Project("a", "one")
    with held(workdir.project_lock(one), "somebody"):
        result = command(workdir, words, "a:one", "a:two")
    assert result.exit_code == 1 and "a:one: " in result.stderr and "is being worked on by" in result.stderr
    assert history_of(workdir, one) == []
    assert words == "tick" or "a:two: " in result.stdout


def test_a_project_at_work_is_given_up_all_the_same_and_that_is_recorded(workdir: Workdir, command: Command) -> None:
    one = Project("a", "one")
    with held(workdir.project_lock(one), "somebody"):
        assert command(workdir, "faultlist", "add", "a:one").exit_code == 0
    assert list(faultlist(workdir, "a")) == ["one"]
    assert [type(step) for step in history_of(workdir, one)] == [Faultlisted]


@pytest.mark.parametrize(
    ("words", "would"),
    [
        (("faultlist", "add"), "would be on the faultlist: a reason"),
        (("faultlist", "remove"), "would be off the faultlist"),
        (("rescan",), "would scan again"),
        (("recompute", "--aggregator", "K"), "would compute again with aggregator K"),
        (("remove",), "would be removed, and its 1 files (57 B) in "),
        (("remove", "--keep-files"), "would be removed, files kept"),
        (("split", "--into", "b"), "would be split off from a to b"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    workdir: Workdir, command: Command, words: tuple[str, ...], would: str
) -> None:
    before = files_of(workdir.root)
    result = command(workdir, *words, "a:one", "--dry-run")
    assert result.exit_code == 0 and f"a:one: {would}" in result.output and "1 project(s): dry run: nothing was changed" in result.output
    assert "follow" not in result.output
    assert files_of(workdir.root) == before


def test_a_tick_lets_the_product_be_published_and_untick_does_not(at: Callable[[str], Made], command: Command) -> None:
    made = at("validated")
    append_row(made.workdir.status_log(made.project), "validate", "(K)Fatal-data_errors")
    key = str(made.project)
    assert due(made.workdir, key) is None
    assert "Fatal-data_errors is accepted" in command(made.workdir, "tick", key, why="looked at by eye").output
    assert (found := due(made.workdir, key)) and found.phase in ("compare", "complete")
    assert made.statuses[-1] == ("validate", "Warn-ticked by ada: looked at by eye")
    assert command(made.workdir, "untick", key).exit_code == 0
    assert due(made.workdir, key) is None and made.statuses[-1] == ("validate", "(K)Fatal-data_errors")
    assert [type(step) for step in history_of(made.workdir, made.project)] == [Ticked, Unticked]


def test_a_faultlisted_project_is_not_computed_again(workdir: Workdir, command: Command) -> None:
    command(workdir, "faultlist", "add", "a:one")
    result = command(workdir, "recompute", "a:one")
    assert result.exit_code == 1 and "a:one: on the faultlist: take it off first" in result.stderr
    assert not any(isinstance(event, PhaseRequested) for event in events_of(workdir, Project("a", "one")))


def test_projects_are_moved_removed_and_added_back(tmp_path: Path, command: Command) -> None:
    from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes
    from padocc_dagster_tests.pipeline.projects import initialised, spec

    workdir = Workdir(tmp_path.resolve() / "work")
    (tmp_path / "x.nc").write_bytes(b"x")
    for group, codes in (("A", "pqr"), ("B", "s")):
        initialised(workdir, group, *(spec(code, [str(tmp_path / "x.nc")]) for code in codes))

    def on_disk() -> set[str]:
        return {f"{group}:{code}" for group in list_groups(workdir) for code in project_codes(workdir, group)}

    planned = command(workdir, "transfer", "A:p", "--to", "B", "--dry-run")
    assert "A:p: would be transferred from A to B" in planned.stdout and "dry run" in planned.stdout and "A:p" in on_disk()
    assert command(workdir, "transfer", "A:p", "--to", "B").exit_code == 0 and "B:p" in on_disk()
    refused = command(workdir, "merge", "A", "--into", "Z")
    assert refused.exit_code == 1 and "Nothing was changed." in refused.stderr and "there is no group 'Z'" in refused.stderr
    assert command(workdir, "split", "A:q", "A:r", "--into", "C").exit_code == 0
    assert command(workdir, "remove", "C:q", "--keep-files").exit_code == 0 and command(workdir, "add", "C:q").exit_code == 0
    assert on_disk() == {"B:p", "B:s", "C:q", "C:r"}
    config = tmp_path / "more.csv"
    config.write_text(f"n,{tmp_path}/*.nc,,\n")
    result = command(workdir, "add", str(config), "--group", "B")
    assert result.exit_code == 0 and "B:n: added" in result.output and "B:n" in on_disk()
    assert command(workdir, "merge", "C", "--into", "B").exit_code == 0 and on_disk() == {"B:p", "B:s", "B:q", "B:r", "B:n"}


def test_an_edit_is_printed_as_it_was_and_is(tmp_path: Path, command: Command) -> None:
    from padocc_dagster.pipeline.workdir.specs import stored_spec
    from padocc_dagster_tests.pipeline.projects import initialised, spec

    workdir = Workdir(tmp_path.resolve() / "work")
    (tmp_path / "x.nc").write_bytes(b"x")
    initialised(workdir, "a", spec("one", [str(tmp_path / "x.nc")], pattern=f"{tmp_path}/*.nc"))
    result = command(workdir, "edit", "a:one", "--set", "cloud_format=zarr", "--set", "concat_dims=[time]")
    assert result.exit_code == 0 and "a:one: cloud_format: not set → zarr; concat_dims: not set → ['time']" in result.output
    assert stored_spec(workdir, Project("a", "one")).options.cloud_format == "zarr"
    result = command(workdir, "edit", "a:one", "--remove", "cloud_format")
    assert "a:one: cloud_format: zarr → not set" in result.output, result.output


def test_rules_are_shown_and_set(workdir: Workdir, command: Command) -> None:
    before = files_of(workdir.root)
    assert command(workdir, "rules", "a", "--set", "quarantine_after=3", "--dry-run").exit_code == 0
    assert files_of(workdir.root) == before
    words = ("rules", "a", "--set", "quarantine_after=3", "--set", "complete_on_warnings=none", "--set", "formats=zarr")
    rules = "next_aggregator=off, formats=zarr, quarantine_after=3, complete_on_warnings=none"
    assert rules in command(workdir, *words, why="two are enough").output
    shown = command(workdir, "rules", "a", why=None)
    assert shown.exit_code == 0 and shown.output.splitlines() == [
        "Unattended in the group a:",
        "next_aggregator=off: a computation that failed is not tried with the other aggregator",
        "formats=zarr: then as zarr",
        "quarantine_after=3: a project is given up after 3 failures",
        "complete_on_warnings=none: a product is published only with no warning; others wait for a tick",
    ]
    assert command(workdir, "rules", "b", why=None).exit_code == 1
