"""select, select-again and check, of group configs with a section stac: what a catalogue would bring is shown, and nothing is made."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.selection.stac import reading
from padocc_dagster_tests.actions.selected import GROUP, Selected, updated, without_a_worker
from padocc_dagster_tests.commands.conftest import Command, files_of
from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.group_configs import write_config

MANY = [f"v{number:02d}" for number in range(12)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selected:
    """A catalogue of `tas` with two files and `pr`, and `uas`, which is retracted. Nothing is selected yet."""
    without_a_worker(monkeypatch)
    made = Selected(tmp_path.resolve())
    made.dataset("tas", 2)
    for variable in ("pr", "uas"):
        made.dataset(variable)
    made.change("uas", records.retracted)
    made.publish()
    return made


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKDIR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def call(*words: object) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def test_a_selection_is_shown_with_its_counts_and_size_and_nothing_is_made(place: Selected) -> None:
    config = place.config()
    before = files_of(place.root)
    result = call("select", config)
    assert result.exit_code == 0, result.output
    assert "pr: 1 item(s), 1 file(s)" in result.output and "tas: 1 item(s), 2 file(s)" in result.output
    assert "2 projects of 2 items with 3 files, 39 B" in result.output
    assert "Left out as retracted: 1 items." in result.output
    assert "is a good config of the group grp. Nothing was made: drop it into the inbox." in result.output
    assert files_of(place.root) == before


def test_the_first_of_many_projects_are_examples(place: Selected) -> None:
    for variable in MANY:
        place.dataset(variable)
    place.publish()
    result = call("select", place.config())
    assert result.output.count(" item(s)") == 10 and "… and 4 more" in result.output and "14 projects of 14 items" in result.output


def test_what_has_changed_since_the_group_was_selected_is_shown(place: Selected) -> None:
    assert "Since" not in call("select", place.config(), "-w", place.workdir.root).output
    assert place.initialise().success
    assert "0 project(s) have changed" in call("select", place.config(), "-w", place.workdir.root).output
    place.dataset("vas")
    place.change("tas", updated)
    del place.items["pr"]
    place.publish()
    result = call("select", place.config(), "-w", place.workdir.root)
    assert "3 project(s) have changed" in result.output
    for told in ("  vas: new: CMIP6.", "  tas: changed: CMIP6.", "  pr: withdrawn: CMIP6."):
        assert told in result.output
    assert place.rows("vas") == [] and place.rows("tas") == ["init"]


def test_a_selection_that_is_cut_off_says_so(place: Selected) -> None:
    place.section["max_items"] = 1
    assert "Not all items that match." in call("select", place.config()).output


@pytest.mark.parametrize("command", ["select", "check"])
def test_files_that_are_not_on_this_machine_are_told_beside_the_counts(place: Selected, command: str) -> None:
    for name in place.archive.root.rglob("tas_*.nc"):
        name.unlink()
    result = call(command, place.config())
    assert result.exit_code == 1
    assert "2 of 3 source files: does not exist" in result.stderr
    assert ("2 projects of 2 items with 3 files" in result.stdout) is (command == "select")


def test_a_config_without_a_catalogue_is_for_check(place: Selected) -> None:
    config = place.root / "other.yaml"
    config.write_text(f"projects: [{{code: one, files: [{next(place.archive.root.rglob('*.nc'))}]}}]")
    result = call("select", config)
    assert result.exit_code == 1 and "has no section stac: `padocc-dagster check` shows what it would bring" in result.stderr


@pytest.mark.parametrize("command", ["select", "check"])
def test_a_catalogue_that_is_away_is_a_sentence(place: Selected, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BACKOFF_SECONDS", 0.01)
    config = write_config(place.root / "away.yaml", {"catalogue": "http://127.0.0.1:1/"})
    (place.catalogue.parent / "cmip6" / "collection.json").write_text("<html>")
    for path, address in ((config, "http://127.0.0.1:1/"), (place.config(), "cmip6/collection.json")):
        result = call(command, path)
        assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
        assert address in result.stderr and "try again later" in result.stderr


def test_a_config_with_a_catalogue_is_checked(place: Selected) -> None:
    result = call("check", place.config())
    assert result.exit_code == 0 and "tas: 2 files, kerchunk" in result.output
    assert "is a good config of the group grp: 2 projects." in result.output


def test_selecting_again_is_a_step(place: Selected, command: Command) -> None:
    assert place.initialise().success
    place.dataset("vas")
    place.publish()
    result = command(place.workdir, "select-again", GROUP, "--dry-run")
    assert result.exit_code == 0 and "grp:vas: would be new: CMIP6." in result.output and "nothing was changed" in result.output
    assert place.rows("vas") == []
    assert command(place.workdir, "select-again", GROUP).exit_code == 0 and place.rows("vas") == ["init"]
    before = files_of(place.workdir.root)
    again = command(place.workdir, "select-again", GROUP)
    assert again.exit_code == 0 and "grp:" not in again.output
    assert {name for name, content in files_of(place.workdir.root).items() if before.get(name) != content} <= {
        str(place.workdir.selection(GROUP))
    }


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("gpr", "group 'gpr' was not made from a selection: did you mean 'grp'?"),
        ("other", "group 'other' was not made from a selection"),
        ("../grp", "is not safe"),
    ],
)
def test_a_group_that_was_not_selected_is_refused(place: Selected, command: Command, group: str, told: str) -> None:
    assert place.initialise().success
    (place.workdir.inbox / "other.csv").write_text(f"p,{place.files_of('tas')[0]},,\n")
    assert place.drop(place.workdir.inbox / "other.csv").success
    before = files_of(place.workdir.root)
    result = command(place.workdir, "select-again", group)
    assert result.exit_code == 1 and told in result.stderr
    assert files_of(place.workdir.root) == before
