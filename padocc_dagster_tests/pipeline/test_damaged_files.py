"""Files of the working directory that were damaged: refused with a sentence, and restored by initialising again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.files import read_json
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, initialised, make, spec

DAMAGE = ["", "{", "[]", "null", '{"proj_code": "pr', "\x00\x00"]


@pytest.mark.parametrize("damage", DAMAGE, ids=repr)
@pytest.mark.parametrize("name", ["base-cfg.json", "detail-cfg.json"])
def test_a_damaged_config_is_refused_and_restored(tmp_path: Path, name: str, damage: str) -> None:
    made = make(tmp_path, updates={"title": "mine"}, aggregator="K")
    good = read_json(made.folder / name)
    (made.folder / name).write_text(damage)
    if damage in ("", "{"):
        outcome = made.run("scan")
        assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "CorruptFileError")
        assert str(made.folder / name) in outcome.message
        assert "initialise the project again" in outcome.message
    wanted = spec("proj", made.sources, updates={"title": "mine"}, aggregator="K")
    assert initialised(made.workdir, "grp", wanted)["changed"] == ["proj"]
    assert read_json(made.folder / name) == good
    assert made.statuses[-1] == ("init", "Success")


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
