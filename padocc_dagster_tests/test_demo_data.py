"""The demo's folder: real values cut into files, really damaged ones, and nobody else's files removed."""

from pathlib import Path

import numpy as np
import pytest

from padocc_dagster.demo.compare import PUBLISHED, differences
from padocc_dagster.demo.data import DemoError, make_folder, remove_folder
from padocc_dagster.demo.run import EXPECTED
from padocc_dagster.selection import read_group_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "d"
    make_folder(folder)
    return folder


@pytest.mark.parametrize(
    ("code", "sample", "count"),
    [("a1b", "A1B_north_america.nc", 10), ("e1", "E1_north_america.nc", 10), ("ostia", "ostia_monthly.nc", 6)],
)
def test_the_files_together_hold_the_sample_s_stored_values(folder: Path, code: str, sample: str, count: int) -> None:
    import iris_sample_data
    import netCDF4

    files = [folder / "source" / code / f"{code}_{number}.nc" for number in range(1, count + 1)]
    assert sorted(files) == sorted((folder / "source" / code).iterdir())
    with netCDF4.Dataset(Path(iris_sample_data.path) / sample) as whole:
        whole.set_auto_maskandscale(False)
        parts = [netCDF4.Dataset(file) for file in files]
        for part in parts:
            part.set_auto_maskandscale(False)
        for name, variable in whole.variables.items():
            expected = variable[...]
            if "time" in variable.dimensions:
                together = np.concatenate([part[name][...] for part in parts], axis=variable.dimensions.index("time"))
            else:
                together = parts[0][name][...]
            assert np.array_equal(together, expected), name
        for part in parts:
            part.close()


def test_two_of_the_damaged_files_cannot_be_opened_and_two_can(folder: Path) -> None:
    import netCDF4

    opened = []
    for number in range(1, 5):
        try:
            netCDF4.Dataset(folder / "source" / "damaged" / f"damaged_{number}.nc").close()
            opened.append(number)
        except OSError:
            pass
    assert opened == [1, 4]


def test_the_config_is_accepted_and_sends_ostia_to_zarr(folder: Path) -> None:
    config = read_group_config(folder / "demo.yaml")
    assert config.group == "demo"
    counts = {project.code: len(project.files) for project in config.projects}
    assert counts == {"a1b": 10, "ostia": 6, "nemo": 3, "damaged": 4}
    assert {project.code for project in config.projects if project.options.cloud_format == "zarr"} == {"ostia"}


def test_the_other_config_selects_e1_in_order_of_time(folder: Path) -> None:
    config = read_group_config(folder / "selected.yaml")
    (project,) = config.projects
    assert (config.group, project.code) == ("selected", "e1") and project.item
    assert [Path(file).name for file in project.files] == [f"e1_{number}.nc" for number in range(1, 11)]


def test_each_project_is_expected_somewhere_and_those_that_complete_are_compared(folder: Path) -> None:
    configs = [read_group_config(folder / name) for name in ("demo.yaml", "selected.yaml")]
    assert {project.code for config in configs for project in config.projects} == set(EXPECTED)
    assert {code for code, (phase, _) in EXPECTED.items() if phase == "complete"} == set(PUBLISHED)


def test_a_second_demo_starts_afresh(tmp_path: Path) -> None:
    make_folder(tmp_path / "d")
    left = tmp_path / "d" / "workdir" / "left"
    left.parent.mkdir()
    left.touch()
    make_folder(tmp_path / "d")
    assert not left.exists()


def test_a_folder_with_somebody_else_s_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DemoError, match="files that the demo did not make"):
        make_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_link_to_a_demo_s_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(DemoError, match="is not a folder"):
        remove_folder(tmp_path / "link")
    assert (folder / "demo.yaml").exists()


def test_one_changed_element_is_a_difference_and_nan_is_not() -> None:
    import xarray

    values = np.random.default_rng(0).random((3, 4))
    values[1, 1] = np.nan
    source = xarray.Dataset({"tas": (("time", "x"), values)})
    changed = source.copy(deep=True)
    assert differences(changed, source) == []
    changed["tas"].values[2, 3] += 1e-12
    assert differences(changed, source) == ["tas has other values than the source files"]
    shorter = differences(source.isel(time=slice(2)), source)
    assert shorter == ["tas has {'time': 2, 'x': 4}, the source files have {'time': 3, 'x': 4}"]
    assert differences(source.drop_vars("tas"), source) == ["tas is in one of the two only"]
