"""Names that a shell or a path would take otherwise are refused everywhere, and nothing comes into being."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import name_problem, path_problem
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

HOSTILE = ["a;touch x", "`touch x`", "$(touch x)", "../x", "*", "a b", "a'b", 'a"b', "a|b", "a&b", "a\nb", "ä", "数"]
HOSTILE += ["", ".", "..", "-rf", "x" * 300, "a/b", "a..b", "a.", "123", "my_proj_code", "a:b", "a,b", "{a,b}", "~", "a\0b", "?", "[ab]"]


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_a_hostile_name_is_refused_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    workdir = Workdir(tmp_path / "work")
    assert name_problem("project code", name)
    for group, code in (("grp", name), (name, "proj")):
        with pytest.raises(ValueError, match="group|project code"):
            initialised(workdir, group, spec(code, ["/data/a.nc"]))
        with pytest.raises(ValueError, match="group|project"):
            Project.parse(f"{group}:{code}")
    assert tree(tmp_path) == set()


def test_one_bad_code_keeps_the_whole_group_from_being_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not safe"):
        initialised(Workdir(tmp_path / "work"), "grp", spec("good", ["/data/a.nc"]), spec("bad;", ["/data/a.nc"]))
    assert tree(tmp_path) == set()


def test_a_project_made_of_hostile_parts_reaches_no_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workdir = Workdir(tmp_path / "work")
    for phase in (phases.scan, phases.compute, phases.validate, phases.publish):
        with pytest.raises(ValueError, match="is not safe"):
            phase(workdir, Project("grp", "../../x"))
    assert tree(tmp_path) == set()


HOSTILE_FOLDERS = ["/tmp/a b", "/tmp/a;b", "/tmp/$HOME", "/tmp/`x`", "relative", "/tmp/../x", "/tmp/ä"]
HOSTILE_FOLDERS += ["/tmp/a'b", "/tmp/*", "/tmp/a\nb"]


@pytest.mark.parametrize("path", HOSTILE_FOLDERS)
def test_a_working_directory_with_shell_characters_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="working directory"):
        Workdir(Path(path))


@pytest.mark.parametrize("path", ["/data/a;b.nc", "/data/`x`.nc", "/data/$(x).nc", "/data/a\nb.nc", "/data/ä.nc", "/data/'a'.nc"])
def test_source_paths_with_shell_characters_are_refused(path: str) -> None:
    assert path_problem(path)


@pytest.mark.parametrize("path", ["/data/a b.nc", "/data/m_*.nc", "/data/[0-9]/{a}.nc", "/data/a,b.nc"])
def test_ordinary_paths_and_patterns_are_let_through(path: str) -> None:
    assert path_problem(path) is None


def test_unsafe_codes_in_padoccs_own_list_are_passed_over(at: Callable[[str], Made]) -> None:
    from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes

    made = at("initialised")
    made.workdir.main_list("grp").write_text("proj\n../../x\na;touch x\nproj\n")
    (made.workdir.root / "groups" / "a b" / "proj_codes").mkdir(parents=True)
    (made.workdir.root / "groups" / "a b" / "proj_codes" / "main.txt").write_text("p")
    assert project_codes(made.workdir, "grp") == ["proj"]
    assert list_groups(made.workdir) == ["grp"]
