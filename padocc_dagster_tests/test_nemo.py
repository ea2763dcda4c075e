"""The walk-through of docs/nemo.md, its commands taken from there: the demo's `nemo` stops, is edited, and is published."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.demo.data import make_folder
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.selection import read_group_config
from padocc_dagster_tests.pipeline.projects import Made, initialised

DOCUMENT = Path(__file__).parents[1] / "docs" / "nemo.md"
NEMO = Project("demo", "nemo")


class Demo(Made):
    """The demo's working directory."""

    @property
    def workdir(self) -> Workdir:
        return Workdir(self.root / "workdir")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's nemo, scanned, computed and compared."""
    pytest.importorskip("iris_sample_data")
    demo = Demo(tmp_path_factory.mktemp("nemo").resolve() / "demo", NEMO)
    config = read_group_config(make_folder(demo.root)[0])
    initialised(demo.workdir, "demo", *(spec for spec in config.projects if spec.code == "nemo"))
    demo.through("scan", "compute")
    comparison = demo.verified()
    assert not comparison["passed"]
    assert "variable time_centered differs from" in comparison["problems"][0]
    yield demo


def test_the_document_s_commands_are_those_that_explain_offers_and_they_make_nemo_succeed(stopped: Demo) -> None:
    """The phases are run here one after another, as the conductor's runs do in an instance."""
    import xarray

    explained, tried, edited, again, dropped = (line for block in blocks("bash") for line in block.splitlines())
    assert edited in taken(stopped, explained) and tried == f"{edited} --dry-run"
    assert "nothing was changed" in taken(stopped, tried)
    assert "concat_dims: not set → ['time_counter']" in taken(stopped, edited)
    stopped.through("scan", "compute")
    assert stopped.verified()["problems"] == []
    assert stopped.run("validate").error_class == "AggregationError"

    assert dropped in taken(stopped, again)
    assert "Nothing follows until an instance serves" in taken(stopped, dropped)
    stopped.through("scan", "compute")
    comparison = stopped.verified()
    assert comparison["problems"] == []
    assert {row["name"] for row in comparison["variables"]} >= {"tos", "time_centered", "time_centered_bounds", "nav_lat"}
    assert "Warn-global_timeStamp_not_equal" in stopped.through("validate").status
    stopped.through("publish")
    (product,) = (stopped.workdir.completed / "demo").glob("nemo_k*/nemo_k*.[0-9].json")
    with xarray.open_dataset(str(product), engine="kerchunk") as published:
        assert published["tos"].dims == ("time_counter", "y", "x")
        assert [str(time)[:7] for time in published["time_centered"].values] == ["2015-01", "2015-02", "2015-03"]


def taken(demo: Demo, command: str) -> str:
    """Type a command of the document, and return what it prints, the working directory left out."""
    program, *arguments = shlex.split(command)
    assert program == "padocc-dagster"
    root = str(demo.workdir.root)
    result = CliRunner().invoke(app, arguments, env={"WORKDIR": root, "COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    return result.output.replace(f" -w {root}", "")


def test_the_document_s_config_says_the_same_as_its_commands(stopped: Demo, tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    config = tmp_path / "demo.yaml"
    config.write_text(f"projects:\n{block}".replace("/data/nemo", str(stopped.root / "source" / "nemo")))
    (spec,) = read_group_config(config).projects
    assert (spec.dropped, spec.options.concat_dims) == (("time_counter",), ("time_counter",))
