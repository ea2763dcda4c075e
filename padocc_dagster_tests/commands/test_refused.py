"""Every manual step, called wrongly: refused in a sentence that says what to write instead, and nothing is changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster_tests.commands.conftest import Command, files_of
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline.projects import initialised, spec
from padocc_dagster_tests.pipeline.standing import SCANNED, standing

STEPS = {
    "edit": ("--set", "cfa=false"),
    "rescan": (),
    "recompute": (),
    "revalidate": (),
    "tick": (),
    "untick": (),
    "faultlist add": (),
    "faultlist remove": (),
    "transfer": ("--to", "b"),
    "split": ("--into", "new"),
    "remove": (),
}
WRONG = {
    "an unknown project": (("a:ones",), "group a has no project 'ones': did you mean 'one'?"),
    "an unknown group": (("c:one",), "there is no group 'c': known are a, b"),
    "no key": (("one",), "'one' is not a project key: write GROUP:PROJECT"),
    "an unsafe project": (("a:../../x",), "is not safe: use letters, digits"),
    "an unsafe group": (("a$(touch x):one",), "is not safe: use letters, digits"),
    "nothing": ((), "no projects are chosen: name GROUP:PROJECT"),
    "an unknown phase": (("--phase", "scam"), "phase is 'scam': did you mean 'scan'?"),
    "an unknown outcome": (("--outcome", "bad"), "outcome is 'bad': known are ok, warned"),
    "nobody": (("--group", "b", "--phase", "complete"), "no projects match: "),
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Workdir:
    return standing(tmp_path_factory.mktemp("refused"), {"a": {"one": SCANNED, "two": SCANNED}, "b": {"three": SCANNED}})


@pytest.mark.parametrize("words", STEPS)
def test_a_step_about_the_wrong_projects_changes_nothing(workdir: Workdir, command: Command, words: str) -> None:
    before = files_of(workdir.root)
    for what, (projects, told) in WRONG.items():
        result = command(workdir, *words.split(), *projects, *STEPS[words])
        assert result.exit_code == 1 and told in result.stderr, (what, result.output)
    assert files_of(workdir.root) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("transfer", "a:one", "--to", "c"), "c"),
        (("transfer", "a:one", "--to", "../b"), "is not safe"),
        (("transfer", "a:one", "--to", "a"), "a"),
        (("split", "a:one", "--into", "b"), "b"),
        (("split", "a:one", "--into", "x;y"), "is not safe"),
        (("merge", "a", "--into", "a"), "a"),
        (("merge", "c", "--into", "a"), "there is no group 'c'"),
        (("merge", "/tmp", "--into", "a"), "is not safe"),
        (("merge", "/tmp", "--into", "a", "--dry-run"), "is not safe"),
        (("add", "a:four"), "a:four"),
        (("add", "/nowhere.csv", "--group", "a"), "the group config does not exist"),
        (("rules", "a", "--set", "quarantine=3"), "quarantine_after"),
        (("rules", "a", "--set", "quarantine_after=soon"), "quarantine_after"),
        (("rules", "c", "--set", "quarantine_after=3"), "c"),
        (("recompute", "a:one", "--aggregator", "P"), "'P' is not one of 'V', 'K'"),
        (("recompute", "a:one", "--cloud-format", "netcdf"), "'netcdf' is not one of 'kerchunk'"),
        (("recompute", "a:one", "--memory", "much"), "memory: 'much' is not a memory size"),
        (("rescan", "a:one", "--time", "long"), "time: 'long' is not a wall time"),
        (("add", "x.csv"), "say which group the config's projects are added to"),
        (("add", "x.csv", "y.csv", "--group", "a"), "name one group config with --group"),
        (("edit", "a:one", "--set", "cfa=false", "--set", "cfa=true"), "cfa is set twice: keep one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_step_with_the_wrong_options_changes_nothing(workdir: Workdir, command: Command, words: tuple[str, ...], told: str) -> None:
    before = files_of(workdir.root)
    result = command(workdir, *words)
    assert result.exit_code and told in result.stderr, result.output
    assert files_of(workdir.root) == before


@pytest.mark.parametrize("words", STEPS)
def test_a_step_without_a_name_or_a_reason_changes_nothing(workdir: Workdir, command: Command, words: str) -> None:
    before = files_of(workdir.root)
    for blank, told in (({"why": ""}, "why is blank"), ({"why": " \t"}, "why is blank"), ({"who": "  "}, "who is blank")):
        result = command(workdir, *words.split(), "a:one", *STEPS[words], **blank)
        assert result.exit_code == 1 and told in result.stderr, (blank, result.output)
        dry = command(workdir, *words.split(), "a:one", *STEPS[words], "--dry-run", **blank)
        assert dry.exit_code == 1 and told in dry.stderr, (blank, dry.output)
    assert files_of(workdir.root) == before


def test_a_target_group_that_is_a_file_is_refused(tmp_path: Path, command: Command) -> None:
    workdir = standing(tmp_path, {"a": {"one": SCANNED}})
    (workdir.root / "groups" / "file").write_text("no group")
    before = files_of(workdir.root)
    for words in (("split", "a:one", "--into", "file"), ("transfer", "a:one", "--to", "file"), ("merge", "a", "--into", "file")):
        result = command(workdir, *words)
        assert result.exit_code == 1 and "file" in result.stderr
    assert files_of(workdir.root) == before


@pytest.fixture
def real(tmp_path: Path) -> Workdir:
    """A project that is really there."""
    files = write(tmp_path / "sources", Series(lengths=(2, 2), lat=12, lon=12)) or sorted((tmp_path / "sources").glob("*.nc"))
    workdir = Workdir((tmp_path / "work").resolve())
    initialised(workdir, "a", spec("one", files))
    return workdir


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("cloudformat=zarr", "did you mean 'cloud_format'?"),
        ("cloud_format=netcdf", "known are kerchunk, parquet, zarr, CFA"),
        ("cfa=maybe", "write true or false"),
        ("aggregator=P", "writes wrong shapes"),
        ("pattern=/nowhere/*.nc", "/nowhere/*.nc"),
        ("pattern=/tmp/$(id)/*.nc", "must not hold control or shell characters"),
        ("variables=tas", "write a list"),
        ("updates=[a]", "updates"),
        ("nothing", "write FIELD=VALUE"),
    ],
)
def test_an_edit_of_the_wrong_field_or_to_the_wrong_value_changes_nothing(
    real: Workdir, command: Callable[..., object], change: str, told: str
) -> None:
    before = files_of(real.root)
    result = command(real, "edit", str(Project("a", "one")), "--set", change)
    assert result.exit_code == 1 and told in result.stderr, result.output
    assert files_of(real.root) == before


@pytest.mark.parametrize("words", ["rescan", "transfer --to b", "merge a --into b", "faultlist add", "select-again a"])
def test_a_step_without_a_reason_is_a_wrong_call(workdir: Workdir, command: Command, words: str) -> None:
    before = files_of(workdir.root)
    result = command(workdir, *words.split(), why=None)
    assert result.exit_code == 2 and "--why" in result.stderr
    assert files_of(workdir.root) == before


def test_an_empty_reason_is_a_sentence(workdir: Workdir, command: Command) -> None:
    from typer.testing import CliRunner

    from padocc_dagster.cli import app

    result = CliRunner().invoke(app, ["rescan", "a:one", "--why", "", "-w", str(workdir.root)])
    assert result.exit_code == 1 and "why is blank: give the reason" in result.stderr and "Traceback" not in result.output


def test_a_working_directory_that_is_not_there_is_a_sentence(tmp_path: Path, command: Command) -> None:
    result = command(Workdir(tmp_path / "none"), "rescan", "a:one")
    assert result.exit_code == 1 and "is not a directory: name a PADOCC working directory with -w" in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("words", [("--set", "dropped=[VARIABLE]"), ("--set", "concat_dims=[DIMENSION]"), ("--set", "updates.NAME=VALUE")])
def test_a_placeholder_of_a_remedy_is_not_taken_for_a_value(real: Workdir, command: Command, words: tuple[str, ...]) -> None:
    before = files_of(real.root)
    result = command(real, "edit", "a:one", *words)
    assert result.exit_code == 1 and "is a placeholder for a name of your own" in result.stderr
    assert command(real, "tick", "a:one", why="WHY IT DOES NO HARM").exit_code == 1
    assert files_of(real.root) == before
