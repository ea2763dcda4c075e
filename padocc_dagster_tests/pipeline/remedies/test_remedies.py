"""Every failure has a meaning and remedies, and every remedy a command that there is."""

import ast
import inspect
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer

import padocc_dagster
from padocc_dagster.cli import app
from padocc_dagster.pipeline.joining.odd import Kind, Odd
from padocc_dagster.pipeline.joining.record import Preflight
from padocc_dagster.pipeline.remedies import EXPLANATIONS, Remedy, commands_for, remedy_for, written_out
from padocc_dagster.pipeline.remedies.page import page
from padocc_dagster.pipeline.remedies.table import UNKNOWN
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import PhaseEnded, PhaseRequested
from padocc_dagster.pipeline.workdir.files import write_json, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.used import Requested, Used

PACKAGE = Path(padocc_dagster.__file__).parent
BASES = ("WorkerError", "OperationFailedError")
"""Classes whose instances carry the class that is shown."""
PROJECT = Project("demo", "nemo")
REMEDIES = sorted({remedy for explanation in [*EXPLANATIONS.values(), UNKNOWN] for remedy in explanation.remedies})


def padoccs_classes() -> list[str]:
    from padocc.core import errors

    return [name for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, Exception)]


def our_classes() -> list[str]:
    """The exceptions defined in `pipeline`, but for refusals of manual steps: those leave no project in a state."""
    trees = [ast.parse(path.read_text()) for path in (PACKAGE / "pipeline").rglob("*.py")]
    classes = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return [name for name in classes if name.endswith("Error") and name not in BASES]


def test_every_error_class_of_padocc_has_an_entry() -> None:
    classes = padoccs_classes()
    assert len(classes) > 15
    assert set(classes) - EXPLANATIONS.keys() == set()


def test_every_status_that_padoccs_classes_write_has_an_entry() -> None:
    from padocc.core import errors

    for name in padoccs_classes():
        written = getattr(errors, name).get_str(None) if hasattr(getattr(errors, name), "get_str") else name
        assert remedy_for(f"(V>K){written}") is not UNKNOWN


def test_every_error_class_of_this_package_has_an_entry() -> None:
    assert "UnreadableSourceError" in our_classes()
    assert set(our_classes()) - EXPLANATIONS.keys() == set()


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("(V>K)Failed-KeyError", "KeyError"),
        ("(X)Fatal-data_errors", "Fatal-data_errors"),
        ("Fatal-something_new", "Fatal"),
        ("(V)Warn-global_title_not_equal", "Warn"),
        ("(V)Warn-bypassed", "Warn-bypassed"),
        ("Warn-ticked by Ada: looks well", "Warn-ticked by"),
        ("Failed-zarr.errors.GroupNotFoundError", "GroupNotFoundError"),
        ("Failed-SIGKILL", "SIGKILL"),
        ("Failed-SIGUSR2", "SIG"),
        ("Failed-ExitStatus3", "ExitStatus"),
        ("JobCancelled", "JobCancelled"),
        ("Failed-ProductDiffersFromSource", "ProductDiffersFromSource"),
    ],
)
def test_a_status_finds_its_entry(status: str, name: str) -> None:
    assert remedy_for(status) is EXPLANATIONS[name]


@pytest.mark.parametrize("status", ["", None, "Failed-NeverSeenError", "nonsense: of any sort"])
def test_what_nobody_knows_still_has_something_to_try(status: str | None) -> None:
    assert remedy_for(status) is UNKNOWN and UNKNOWN.remedies


def test_every_meaning_and_remedy_reads_on_in_its_sentence() -> None:
    for explanation in EXPLANATIONS.values():
        for text in (explanation.meaning, *(remedy.sentence for remedy in explanation.remedies)):
            assert text and not text.endswith(".") and "\n" not in text
            assert not text.split()[0].istitle() or text.startswith(("PADOCC", "SLURM"))


@pytest.mark.parametrize("phase", ["scan", "compute", "validate", "complete"])
@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.command)
def test_every_command_is_one_that_there_is_with_options_that_it_takes(remedy: Remedy, phase: str, tmp_path: Path) -> None:
    program, *words = shlex.split(written_out(remedy, PROJECT, phase, "KeyError", tmp_path))
    assert program == "padocc-dagster"
    command: click.Command = typer.main.get_command(app)
    while isinstance(command, click.Group):
        name, *words = words
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    command.make_context(command.name, words)  # ends with a usage error for what it does not take


@pytest.mark.parametrize("remedy", [remedy for remedy in REMEDIES if remedy.command.startswith("edit ")], ids=lambda remedy: remedy.command)
def test_fields_that_a_remedy_sets_are_fields_of_a_project(remedy: Remedy) -> None:
    import dataclasses

    from padocc_dagster.commands.ask import yaml_values
    from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec

    known = {field.name for form in (ProjectSpec, ProjectOptions) for field in dataclasses.fields(form)}
    words = shlex.split(written_out(remedy, PROJECT))
    at = {name: words[words.index(name) + 1] for name in ("--set", "--remove") if name in words}
    fields = [*yaml_values([at["--set"]] if "--set" in at else []), *([at["--remove"]] if "--remove" in at else [])]
    assert fields and {field.partition(".")[0] for field in fields} <= known


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path)
    write_json(workdir.base_cfg(PROJECT), {"pattern": "/data/nemo/*.nc", "override": {"cloud_type": "kerchunk"}})
    return workdir


def test_commands_name_the_project_the_folder_the_reason_and_what_is_known(workdir: Workdir, tmp_path: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "w") as dataset:
        dataset.createDimension("x", 3)
        dataset.createDimension("time_counter", None)
        dataset.createVariable("time_centered", "f8", ("time_counter",)).units = "days since 2000-01-01"
    write_lines(workdir.allfiles(PROJECT), [str(tmp_path / "a.nc")])
    commands = [command for _, command in commands_for(workdir, PROJECT, remedy_for("KeyError"), "compute", "KeyError")]
    first = f"padocc-dagster edit demo:nemo --set 'concat_dims=[time_counter]' -w {tmp_path} --why 'after KeyError'"
    assert commands[0] == first


def test_a_new_pattern_is_to_be_written_and_the_present_one_is_said(workdir: Workdir) -> None:
    (sentence, command), *_ = commands_for(workdir, PROJECT, remedy_for("SourceNotFoundError"), "scan")
    assert "--set pattern=NEW_PATTERN" in command and sentence.endswith("(now /data/nemo/*.nc)")


def test_only_a_damaged_project_is_initialised_again_from_what_it_has_and_no_shell_expands_that(workdir: Workdir) -> None:
    (_, command), *_ = commands_for(workdir, PROJECT, remedy_for("CorruptFileError"), "scan")
    assert "--set 'pattern=/data/nemo/*.nc'" in command


@pytest.mark.parametrize(
    ("status", "phase", "options", "edit"),
    [
        ("ConflictingMissingValuesError", "compute", {"xarray": {"mask_and_scale": False}}, "xarray.mask_and_scale"),
        ("OutOfBoundsDatetime", "compute", {"xarray": {"decode_times": False}}, "decode_times"),
        ("ChunkDataError", "scan", {"cloud_format": "zarr"}, "cloud_format=zarr"),
    ],
)
def test_an_edit_to_what_is_so_already_is_not_offered(
    workdir: Workdir, status: str, phase: str, options: dict[str, object], edit: str
) -> None:
    def offered() -> str:
        return " ".join(command for _, command in commands_for(workdir, PROJECT, remedy_for(status), phase))

    assert edit in offered()
    spec = {**ProjectSpec("nemo", "/data/nemo/*.nc", ()).as_dict(), "id": "1"}
    write_json(workdir.spec(PROJECT), {**spec, "options": {**spec["options"], **options}})
    base = {"pattern": "/data/nemo/*.nc", "override": {"cloud_type": "kerchunk"}, "padocc_dagster": {"spec": "1"}}
    write_json(workdir.base_cfg(PROJECT), base)
    assert offered() and edit not in offered()


def test_a_zarr_store_is_not_advised_to_become_one(workdir: Workdir) -> None:
    write_json(workdir.base_cfg(PROJECT), {"pattern": "", "override": {"cloud_type": "zarr"}})
    commands = " ".join(command for _, command in commands_for(workdir, PROJECT, remedy_for("ProductDiffersFromSource"), "compute"))
    assert commands and "--cloud-format" not in commands and "--aggregator" not in commands


def offered(workdir: Workdir, error_class: str, phase: str) -> str:
    return "\n".join(command for _, command in commands_for(workdir, PROJECT, remedy_for(error_class), phase))


@pytest.mark.parametrize(("phase", "zarr"), [("scan", "cloud_format=zarr"), ("compute", "--cloud-format zarr")])
def test_a_format_that_cannot_hold_what_differs_between_the_files_is_not_offered(workdir: Workdir, phase: str, zarr: str) -> None:
    assert zarr in offered(workdir, "DifferingTypeError", phase)
    odd = Odd(kind=Kind.TYPE, variable="x", files=("/data/a.nc",), count=1, has="is stored as <i4", refused_by=("kerchunk", "zarr"))
    write_json(workdir.preflight(PROJECT), Preflight(files=3, odd=(odd,)).model_dump(mode="json"))
    assert offered(workdir, "DifferingTypeError", phase) and zarr not in offered(workdir, "DifferingTypeError", phase)


def test_a_damaged_record_of_odd_files_takes_no_advice_away(workdir: Workdir) -> None:
    before = offered(workdir, "DifferingTypeError", "scan")
    write_json(workdir.preflight(PROJECT), {"files": "many"})
    assert offered(workdir, "DifferingTypeError", "scan") == before


@pytest.mark.parametrize(
    ("error_class", "fields", "edit"),
    [
        ("DifferingVariablesError", {"dropped": ["old"]}, "--set 'dropped=[old,VARIABLE]'"),
        ("DifferingCoordinateError", {"options": {"identical_dims": ["lon"]}}, "--set 'identical_dims=[lon,VARIABLE]'"),
    ],
)
def test_an_edit_of_a_list_keeps_what_the_list_has(workdir: Workdir, error_class: str, fields: dict[str, Any], edit: str) -> None:
    spec = {**ProjectSpec("nemo", "/data/nemo/*.nc", ()).as_dict(), "id": "1"}
    spec |= {**fields, "options": {**spec["options"], **fields.get("options", {})}}
    write_json(workdir.spec(PROJECT), spec)
    base = {"pattern": "/data/nemo/*.nc", "override": {"cloud_type": "kerchunk"}, "padocc_dagster": {"spec": "1"}}
    write_json(workdir.base_cfg(PROJECT), base)
    assert edit in offered(workdir, error_class, "scan")


def ended(workdir: Workdir, **requested: int) -> None:
    used = Used(seconds=1, cpu_seconds=1, peak_mib=1, requested=Requested(**requested))
    record(workdir, PROJECT, PhaseEnded(project=str(PROJECT), phase="compute", verdict=Verdict.FAILED, status="", used=used, row=1))


@pytest.mark.parametrize(
    ("memory", "seconds", "meant"),
    [(2048, 600, ("16G", "08:00:00")), (16384, 8 * 3600, ("32G", "16:00:00")), (20000, 30000, ("40G", "18:00:00"))],
)
def test_more_memory_and_time_are_more_than_the_last_run_had_requested(
    workdir: Workdir, memory: int, seconds: int, meant: tuple[str, str]
) -> None:
    ended(workdir, memory_mib=memory, wall_seconds=seconds)
    assert f"--memory {meant[0]} " in offered(workdir, "ExpectTimeoutError", "compute")
    assert f"--time {meant[1]} " in offered(workdir, "ExpectTimeoutError", "compute")


def test_what_was_thorough_is_not_to_be_thorough_once_more(workdir: Workdir) -> None:
    assert "--thorough" in offered(workdir, "MissingDataError", "compute")
    record(workdir, PROJECT, PhaseRequested(phase="compute", choices={"thorough": True}, who="ada", why="to see", row=1))
    assert "--thorough" not in offered(workdir, "MissingDataError", "compute")


def test_nothing_is_needed_to_advise(tmp_path: Path) -> None:
    for explanation in EXPLANATIONS.values():
        assert len(commands_for(Workdir(tmp_path), PROJECT, explanation)) == len(explanation.remedies)


def test_the_page_of_the_documentation_is_made_from_the_table() -> None:
    path = PACKAGE.parent / "docs" / "failures.md"
    assert path.read_text() == page(), "run: python -m padocc_dagster.pipeline.remedies.page > docs/failures.md"
