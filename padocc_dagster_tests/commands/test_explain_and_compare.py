"""`explain` and `compare`: what they print of one project, and how they refuse."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.pipeline.running.finished import record_end
from padocc_dagster.pipeline.workdir.events import PhaseRequested
from padocc_dagster.pipeline.workdir.files import read_json, write_json, write_lines
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.status import append_row

NEMO = Project("demo", "nemo")


def run(*arguments: str, columns: str = "300") -> Result:
    return CliRunner(env={"WORKDIR": None, "COLUMNS": columns}).invoke(app, list(arguments))


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    """A project that failed in compute after somebody had edited it."""
    workdir = Workdir(tmp_path / "w")
    write_lines(workdir.main_list("demo"), ["nemo", "new"])
    write_json(workdir.base_cfg(NEMO), {"pattern": "/data/*.nc", "version_no": "1.0", "override": {"cloud_type": "kerchunk"}})
    for phase, status in (("init", "Success"), ("scan", "Success"), ("compute", "(V>K)Failed-KeyError")):
        append_row(workdir.status_log(NEMO), phase, status)
    message = "No variable named '[red]file_number'"
    record_end(workdir, NEMO, Outcome("compute", Verdict.FAILED, "(V>K)Failed-KeyError", "KeyError", message), "")
    write_json(workdir.comparison(NEMO), {"problems": [f"variable v{number} differs" for number in range(30)]})
    write_lines(workdir.phase_log(NEMO, "compute"), [f"line {number}" for number in range(100)])
    note(workdir, {NEMO: PhaseRequested(phase="compute", choices={"aggregator": "K"}, who="ada", why="to see")})
    (workdir.completed / "demo" / "nemo_k1.0").mkdir(parents=True)
    (workdir.completed / "demo" / "nemo_k1.0" / "nemo_k1.0.json").write_text("{}")
    return workdir


def test_explain_says_what_stands_why_what_it_means_and_what_to_try(workdir: Workdir) -> None:
    result = run("explain", "demo:nemo", "-w", str(workdir.root))
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert text.startswith("demo:nemo: compute failed since 20")
    assert "Why: KeyError: No variable named '[red]file_number'" in text
    assert "It means that PADOCC missed a name that it counts on" in text
    assert str(workdir.completed / "demo" / "nemo_k1.0" / "nemo_k1.0.json") in text
    assert "variable v0 differs" in text and "… 10 more" in text
    assert "compute again with aggregator K (by ada: to see)" in text
    assert "line 99" not in text and f"Its log is {workdir.phase_log(NEMO, 'compute')}: --log prints the end." in text
    text = run("explain", "demo:nemo", "--log", "-w", str(workdir.root)).stdout
    assert "line 99" in text and "line 50" not in text
    command = f"padocc-dagster edit demo:nemo --set 'concat_dims=[DIMENSION]' -w {workdir.root} --why 'after KeyError'"
    assert command in [line.strip() for line in text.splitlines()]


def test_commands_to_paste_are_never_wrapped(workdir: Workdir) -> None:
    text = run("explain", "demo:nemo", "-w", str(workdir.root), columns="40").stdout
    assert any(line.strip().startswith("padocc-dagster edit") and line.endswith("'after KeyError'") for line in text.splitlines())


def test_explain_as_json_has_the_same(workdir: Workdir) -> None:
    found = json.loads(run("explain", "demo:nemo", "-w", str(workdir.root), "--json").stdout)
    assert (found["project"], found["phase"], found["outcome"]) == ("demo:nemo", "compute", "failed")
    assert [event["what"] for event in found["history"]] == [
        "init: Success",
        "scan: Success",
        "compute: (V>K)Failed-KeyError",
        "compute again with aggregator K",
    ]
    assert found["history"][-1]["who"] == "ada" and all(event["when"] for event in found["history"])
    assert found["remedies"][0]["command"].startswith("padocc-dagster edit demo:nemo --set")
    assert len(found["problems"]) == 30 and found["faultlisted"] is None


def test_a_project_that_was_given_up_says_for_what_reason_and_how_to_take_that_back(workdir: Workdir) -> None:
    workdir.faultlist("demo").write_text("nemo,no time left\n")
    found = json.loads(run("explain", "demo:nemo", "-w", str(workdir.root), "--json").stdout)
    assert (found["outcome"], found["faultlisted"], found["why"]) == ("skipped", "no time left", "on the faultlist: no time left")
    assert "faultlist remove demo:nemo" in found["remedies"][0]["command"]


def test_a_project_to_which_nothing_happened_yet_is_explained(workdir: Workdir) -> None:
    result = run("explain", "demo:new", "-w", str(workdir.root))
    assert result.exit_code == 0 and result.stdout.strip() == "demo:new: init new\nWhy: not initialised"


def test_a_project_that_is_well_has_nothing_to_try(workdir: Workdir) -> None:
    append_row(workdir.status_log(NEMO), "compute", "Success")
    found = json.loads(run("explain", "demo:nemo", "-w", str(workdir.root), "--json").stdout)
    assert (found["outcome"], found["meaning"], found["remedies"]) == ("ok", "", [])


def test_explain_changes_nothing(workdir: Workdir) -> None:
    before = {path: path.read_bytes() for path in workdir.root.rglob("*") if path.is_file()}
    assert run("explain", "demo:nemo", "-w", str(workdir.root)).exit_code == 0
    assert {path: path.read_bytes() for path in workdir.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["explain", "compare"])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("demo:nemu", "did you mean 'nemo'"),
        ("dem:nemo", "did you mean 'demo'"),
        ("demo", "is not a project key"),
        ("demo:*", "one at a time"),
        ("demo:../x", "is not safe"),
    ],
)
def test_what_is_no_project_is_refused_with_a_sentence(workdir: Workdir, command: str, key: str, told: str) -> None:
    result = run(command, key, "-w", str(workdir.root))
    assert result.exit_code == 1 and result.stdout == ""
    assert told in result.stderr and "Traceback" not in result.output


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_every_option_has_a_help_text_and_a_folder_must_be_there(tmp_path: Path, command: str) -> None:
    import typer

    parameters = typer.main.get_command(app).commands[command].params
    assert all(parameter.help for parameter in parameters if parameter.name != "help")
    result = run(command, "a:b", "-w", str(tmp_path / "none"))
    assert result.exit_code == 1 and "is not a directory" in result.stderr


def test_compare_without_another_version_says_how_one_is_made(workdir: Workdir) -> None:
    shutil.rmtree(workdir.completed)
    (workdir.project_dir(NEMO) / "k1.0a.json").write_text("{}")
    result = run("compare", "demo:nemo", "-w", str(workdir.root))
    assert result.exit_code == 1 and "recompute demo:nemo --new-version" in result.stderr


def test_compare_prints_what_changed(workdir: Workdir) -> None:
    shutil.rmtree(workdir.completed)
    for version, title in (("1.0", "old"), ("1.1", "new")):
        refs = {".zgroup": '{"zarr_format":2}', ".zattrs": json.dumps({"title": title})}
        (workdir.project_dir(NEMO) / f"k{version}a.json").write_text(json.dumps({"version": 1, "refs": refs}))
    base = read_json(workdir.base_cfg(NEMO))
    write_json(workdir.base_cfg(NEMO), {**base, "version_no": "1.1"})
    result = run("compare", "demo:nemo", "-w", str(workdir.root), "--with", "k1.0")
    assert result.exit_code == 0, result.output
    assert any(line.split() == ["global", "attribute", "title", "old", "new"] for line in result.stdout.splitlines())
    rows = json.loads(run("compare", "demo:nemo", "-w", str(workdir.root), "--json").stdout)
    assert rows[0]["part"] == "versions" and rows[1] == {"part": "global attribute", "name": "title", "before": "old", "now": "new"}
