"""Projects initialised a second time: from what was asked for, and not from what is left of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.making import initialise
from padocc_dagster.pipeline.making.operation import clear_cache
from padocc_dagster.pipeline.moving.moves import transfer
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.workdir.files import read_json, read_lines, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster.selection import ConfigRejected, find_again, read_group_config
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    return Workdir(tmp_path / "work")


def version(workdir: Workdir, code: str) -> str:
    return read_json(workdir.base_cfg(Project("grp", code)))["version_no"]


def test_a_shortened_list_of_files_does_not_become_what_was_asked_for(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    asked = stored_spec(made.workdir, made.project).files
    write_lines(made.workdir.allfiles(made.project), list(asked[:1]))
    assert stored_spec(made.workdir, made.project).files == asked
    assert made.run("scan").error_class == "CorruptFileError"
    initialised(made.workdir, "grp", stored_spec(made.workdir, made.project), again=True, whole=False)
    assert tuple(read_lines(made.workdir.allfiles(made.project))) == asked
    assert made.through("scan").details["num_files"] == len(asked)


@pytest.mark.parametrize("folder", ["a_k1.0", "a_kr1.0", "a_zr1.0", "a_c1.0"])
def test_whatever_format_is_published_the_next_version_is_beyond_it(workdir: Workdir, folder: str) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]), spec("a_k1.9.b", ["/data/1.nc"]))
    (workdir.completed / "grp" / folder).mkdir(parents=True)
    (workdir.completed / "grp" / "a_k1.9.b_k1.0").mkdir()
    initialised(workdir, "grp", spec("a", ["/data/2.nc"]), whole=False)
    assert version(workdir, "a") == "1.1"


def test_a_lost_config_does_not_lead_back_to_a_published_version(workdir: Workdir) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    (workdir.completed / "grp" / "a_k1.4").mkdir(parents=True)
    workdir.base_cfg(Project("grp", "a")).unlink()
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    assert version(workdir, "a") == "1.5"


def published(workdir: Workdir, group: str, code: str, folder: str) -> None:
    """As after a publication: the status log says so, and the product lies with the group that the project was in."""
    append_row(workdir.status_log(Project(group, code)), "complete", "Success")
    (workdir.completed / group / folder).mkdir(parents=True)


def test_a_project_published_in_another_group_goes_on_to_the_next_version_once(workdir: Workdir) -> None:
    initialised(workdir, "old", spec("a", ["/data/1.nc"]))
    initialised(workdir, "grp", spec("b", ["/data/1.nc"]))
    published(workdir, "old", "a", "a_k1.0")
    assert transfer(workdir, Choice(("old:a",)), "grp", By("ada", "a test")).done
    for files in (["/data/2.nc"], ["/data/3.nc"]):
        initialised(workdir, "grp", spec("a", files), whole=False)
        assert version(workdir, "a") == "1.1"  # never published yet, so not passed over


def test_a_version_published_elsewhere_stays_known_when_an_initialisation_is_killed(
    workdir: Workdir, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    append_row(workdir.status_log(Project("grp", "a")), "complete", "Success")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(initialise, "configs_of", killed)
        initialised(workdir, "grp", spec("a", ["/data/2.nc"]))
    initialised(workdir, "grp", spec("a", ["/data/2.nc"]))
    assert version(workdir, "a") not in ("1.0", "")


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_without_its_config_a_project_once_published_is_not_taken_for_new(workdir: Workdir) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    append_row(workdir.status_log(Project("grp", "a")), "complete", "Success")
    workdir.base_cfg(Project("grp", "a")).unlink()
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    assert version(workdir, "a") == "1.1"


def test_names_that_only_padocc_takes_stay_in_its_list(workdir: Workdir) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    write_lines(workdir.main_list("grp"), ["a", "2024", "old+name"])
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]), spec("b", ["/data/1.nc"]))
    assert read_lines(workdir.main_list("grp")) == ["a", "2024", "old+name", "b"]


def test_a_project_at_work_does_not_hold_up_the_others(workdir: Workdir) -> None:
    initialised(workdir, "grp", spec("a", ["/data/1.nc"]))
    with held(workdir.project_lock(Project("grp", "a")), "a"):
        done = initialised(workdir, "grp", spec("a", ["/data/2.nc"]), spec("b", ["/data/1.nc"]))
    assert done["locked"] == ["a"]
    assert read_lines(workdir.main_list("grp")) == ["a", "b"]
    assert read_lines(workdir.allfiles(Project("grp", "a"))) == ["/data/1.nc"]
    assert initialised(workdir, "grp", spec("a", ["/data/2.nc"]), spec("b", ["/data/1.nc"]))["changed"] == ["a"]
    assert [len(read_rows(workdir.status_log(Project("grp", code)))) for code in "ab"] == [2, 1]


def test_a_cache_that_is_a_link_is_cleared_and_its_target_left(at: Callable[[str], Made], tmp_path: Path) -> None:
    made = at("initialised")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "0.json").write_text("{}")
    (made.folder / "cache").symlink_to(elsewhere)
    clear_cache(made.workdir, made.project)
    assert not (made.folder / "cache").exists()
    assert (elsewhere / "0.json").exists()


def test_a_list_file_is_looked_up_again(tmp_path: Path) -> None:
    for name in ("1.nc", "2.nc"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "files.txt").write_text(f"{tmp_path}/1.nc\n")
    config = tmp_path / "g.yaml"
    config.write_text("projects: [{code: a, file_list: files.txt}]")
    (asked,) = read_group_config(config).projects
    (tmp_path / "files.txt").write_text(f"{tmp_path}/1.nc\n{tmp_path}/2.nc\n")
    assert find_again(asked).files == (f"{tmp_path}/1.nc", f"{tmp_path}/2.nc")


def test_a_list_file_by_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.nc").write_bytes(b"x")
    (tmp_path / "files.dat").write_text(f"{tmp_path}/1.nc\n")
    config = tmp_path / "g.yaml"
    config.write_text("projects: [{code: a, file_list: files.dat}]")
    with pytest.raises(ConfigRejected, match=r"does not end in \.txt"):
        read_group_config(config)
