"""Files of the working directory that were damaged: refused with a sentence, and restored by initialising again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.spec import ProjectOptions
from padocc_dagster.pipeline.workdir.specs import choose, spec_of, stored_spec
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, initialised, make, spec

DAMAGE = ["", "{", "[]", "null", '{"proj_code": "pr', "\x00\x00"]


@pytest.mark.parametrize("damage", DAMAGE, ids=repr)
@pytest.mark.parametrize("name", ["base-cfg.json", "detail-cfg.json", "padocc_dagster/spec.json"])
def test_a_damaged_config_is_refused_and_restored(tmp_path: Path, name: str, damage: str) -> None:
    made = make(tmp_path, updates={"title": "mine"}, aggregator="K")
    good = read_json(made.folder / name)
    (made.folder / name).write_text(damage)
    if damage in ("", "{"):
        outcome = made.run("scan")
        assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "CorruptFileError")
        assert str(made.folder / name) in outcome.message
        assert "its group" in outcome.message  # config: initialise the project again from it, or drop it into the inbox
    wanted = spec("proj", made.sources, updates={"title": "mine"}, aggregator="K")
    if "spec" not in name:
        assert stored_spec(made.workdir, made.project) == wanted
    assert initialised(made.workdir, "grp", wanted)["changed"] == ["proj"]
    assert read_json(made.folder / name) == good
    assert made.statuses[-1] == ("init", "Success")


def test_a_project_without_its_spec_is_not_taken_for_one_of_plain_padocc(tmp_path: Path) -> None:
    made = make(tmp_path, aggregator="K")
    made.workdir.spec(made.project).unlink()
    assert "drop the config of its group into the inbox again" in made.run("scan").message
    assert initialised(made.workdir, "grp", spec("proj", made.sources, aggregator="K"))["changed"] == ["proj"]
    made.through("scan")


def test_an_initialisation_killed_between_spec_and_config_is_refused(tmp_path: Path) -> None:
    made = make(tmp_path)
    before = made.workdir.base_cfg(made.project).read_bytes()
    changed = spec("proj", made.sources, aggregator="K")
    initialised(made.workdir, "grp", changed)
    made.workdir.base_cfg(made.project).write_bytes(before)
    assert "is not what grp:proj was last initialised from" in made.run("scan").message
    assert stored_spec(made.workdir, made.project) == changed
    assert initialised(made.workdir, "grp", changed)["changed"] == ["proj"]
    made.through("scan")


def test_what_is_chosen_for_a_project_of_plain_padocc_is_kept_beside_its_config(tmp_path: Path) -> None:
    made = make(tmp_path)
    path = made.workdir.base_cfg(made.project)
    base = read_json(path)
    del base["padocc_dagster"]
    write_json(path, {**base, "keep_vars": [""], "update": {"title": "mine"}})
    assert choose(made.workdir, made.project, cloud_format="parquet", aggregator=None).cloud_format == "parquet"
    assert read_json(made.workdir.spec(made.project)) == {"chosen": {"cloud_format": "parquet"}}
    assert product_of(made.workdir, made.project).cloud_format == "parquet"
    found = spec_of(made.workdir, made.project, chosen=False)
    assert (found.updates, found.variables, found.options) == ({"title": "mine"}, (), ProjectOptions())


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_a_shortened_list_of_files_is_refused(at: Callable[[str], Made], lines: int) -> None:
    made = at("scanned")
    listed = made.workdir.allfiles(made.project)
    listed.write_text("\n".join(listed.read_text().splitlines()[:lines]))
    outcome = made.run("compute")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "CorruptFileError")
    assert "allfiles.txt" in outcome.message
    assert not made.product.exists()
    assert initialised(made.workdir, "grp", spec("proj", made.sources))["changed"] == ["proj"]
    assert len(listed.read_text().splitlines()) == 3


def test_a_list_that_names_another_file_is_refused(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    listed = made.workdir.allfiles(made.project)
    listed.write_text(listed.read_text().replace("f_001", "f_000"))
    assert made.run("compute").error_class == "CorruptFileError"


def test_a_config_that_is_killed_while_padocc_writes_it_is_whole(tmp_path: Path) -> None:
    from padocc_dagster_tests.pipeline.killing import killed_at_call

    made = make(tmp_path, Series(lat=12, lon=12))
    count = 1
    while killed_at_call("os.replace", count, "scan", root=str(made.workdir.root), project=str(made.project)):
        assert read_json(made.workdir.base_cfg(made.project))["proj_code"] == "proj"
        assert read_json(made.workdir.detail_cfg(made.project))["num_files"] == 3
        count += 15
    assert count > 1
    made.through("scan", "compute")
    assert made.verified()["problems"] == []


def test_a_status_log_cut_short_or_empty_is_read_as_far_as_it_goes(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    log = made.workdir.status_log(made.project)
    log.write_text(log.read_text() + "\ncompute,Succ")
    assert made.statuses[:2] == [("init", "Success"), ("scan", "Success")]
    log.write_text("")
    assert "has not been run" in made.run("compute").message
