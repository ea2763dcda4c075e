"""From a selection in a catalogue to published products, on a live instance beside a real STAC API; and what follows when it changes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pystac
import pytest
import xarray
import yaml
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.live.conftest import Live
from padocc_dagster_tests.selection.stac import cmip6, records
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.server import StacServer, missing, stac_server

FIRST = cmip6.Dataset(variable="tas")
SECOND = replace(FIRST, variable="pr")
TAS, PR = "mri:MRI-ESM2-0.tas", "mri:MRI-ESM2-0.pr"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StacServer]:
    if lacking := missing():
        pytest.skip(f"no STAC API: {lacking}")
    with stac_server(tmp_path_factory.mktemp("stac")) as server:
        yield server


@pytest.fixture(scope="module")
def archive(live: Live) -> Archive:
    return Archive(live.sources)


@pytest.fixture(scope="module")
def selected(live: Live, server: StacServer, archive: Archive) -> str:
    """A group of one dataset, published."""
    server.load([cmip6.collection()], [cmip6.written(archive, FIRST, 3)])
    section = {
        "catalogue": server.url,
        "collections": ["cmip6"],
        "filter": "source_id = 'MRI-ESM2-0'",
        "code": "{source_id}.{variable_id}",
        "paths": {records.DAP: str(archive.root)},
        "publish_items": True,
    }
    live.drop_text("mri.yaml", yaml.safe_dump({"group": "mri", "stac": section}))
    ends_published(live, TAS)
    return "mri"


def ends_published(live: Live, key: str) -> None:
    live.wait(f"{key} to end", lambda: live.state(key).phase == "complete" or live.state(key).verdict is Verdict.FAILED)
    assert live.state(key).phase == "complete", live.state(key).why


def item_of(live: Live, code: str) -> Path:
    name = f"MRI-ESM2-0.{code}_k1.0"
    return live.workdir.completed / "mri" / name / f"{name}_item.json"


def select_again(live: Live, *words: str) -> str:
    asked = ["select-again", "mri", *words, "-w", str(live.workdir.root), "--why", "the catalogue grew", "--who", "ada"]
    result = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def equals(item: Path, archive: Archive, dataset: cmip6.Dataset, count: int) -> bool:
    """Whether the product that the published item names holds what its source files hold."""
    files = [archive.root / dataset.folder / name for name in dataset.files(count)]
    asset = pystac.Item.from_file(str(item)).assets["reference_file"]
    with xarray.open_dataset(asset.get_absolute_href(), **asset.extra_fields["xarray:open_kwargs"]) as made:
        with xarray.open_mfdataset(files, combine="nested", concat_dim="time", data_vars="minimal") as meant:
            return all(np.array_equal(made[name].values, meant[name].values) for name in meant.variables)


def test_a_selection_ends_in_a_published_product_that_opens_by_its_own_item(live: Live, selected: str, archive: Archive) -> None:
    assert equals(item_of(live, "tas"), archive, FIRST, 3)


def test_the_published_item_is_the_catalogues_own_with_product_and_report(live: Live, selected: str) -> None:
    item = pystac.Item.from_file(str(item_of(live, "tas")))
    assert item.id == FIRST.name and item.properties["aggregation_status"] == "OK"
    assert {"data0001", "data0002", "data0003", "reference_file", "padocc_report"} <= item.assets.keys()
    assert Path(item.assets["padocc_report"].get_absolute_href()).is_file()


def test_a_catalogue_that_grows_and_withdraws_is_followed(live: Live, selected: str, server: StacServer, archive: Archive) -> None:
    server.load([], [cmip6.written(archive, SECOND, 2)])
    server.delete_item("cmip6", FIRST.name)
    told = select_again(live, "--dry-run")
    assert f"{PR}: would be new: {SECOND.name}" in told and f"{TAS}: withdrawn: {FIRST.name}" in told
    assert f"padocc-dagster remove {TAS}" in told and not live.rows(PR)
    select_again(live)
    ends_published(live, PR)
    assert equals(item_of(live, "pr"), archive, SECOND, 2)
    assert [row.phase for row in live.rows(TAS)].count("init") == 1 and item_of(live, "tas").exists()


def test_selecting_again_when_nothing_has_changed_does_nothing(live: Live, selected: str) -> None:
    before = {key: len(live.rows(key)) for key in (TAS, PR)}
    assert "0 project(s)" in select_again(live)
    assert {key: len(live.rows(key)) for key in before} == before
