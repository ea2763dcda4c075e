"""Group configs in the inbox from which nothing was made."""

from pathlib import Path

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.readings import Result, record_reading, version_of
from padocc_dagster.status.configs import SHOWN, unused_configs


def put(workdir: Workdir, name: str, result: Result | None, problems: int = 1) -> Path:
    workdir.inbox.mkdir(parents=True, exist_ok=True)
    path = workdir.inbox / name
    path.write_text(f"a,{name}")
    if result:
        found = [{"line": number, "problem": f"wrong {number}"} for number in range(1, problems + 1)]
        record_reading(workdir, path, version_of(path), result, found, "run")
    return path


def test_what_was_rejected_is_named_with_its_problems_and_what_to_do(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    put(workdir, "many.csv", Result.REJECTED, SHOWN + 2)
    (found,) = unused_configs(workdir)
    lines = found.lines()
    assert lines[0] == f"many.csv was not accepted ({SHOWN + 2} problems), and nothing was made of it:"
    assert lines[1] == "  line 1: wrong 1" and lines[SHOWN + 1].strip().startswith("… 2 more: padocc-dagster check /")
    assert "drop it into the inbox again" in lines[-2] and "--good FILE --bad FILE" in lines[-1]


def test_one_that_was_taken_is_not_named_and_one_that_was_not_read_is(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    put(workdir, "good.csv", Result.INITIALISED)
    put(workdir, "new.yaml", None)
    put(workdir, ".half.csv", None)
    put(workdir, "notes.txt", None)
    (found,) = unused_configs(workdir)
    assert (found.path.name, found.is_read) == ("new.yaml", False)


def test_one_that_was_changed_since_is_to_be_read_again(tmp_path: Path) -> None:
    import os

    workdir = Workdir(tmp_path.resolve())
    path = put(workdir, "bad.csv", Result.REJECTED)
    os.utime(path, ns=(1, 1))
    (found,) = unused_configs(workdir)
    assert not found.is_read


def test_a_config_is_that_of_the_group_that_it_names_or_is_called_as(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    put(workdir, "g.csv", None)
    put(workdir, "plain.yaml", None)
    put(workdir, "named.yaml", None).write_text("# mine\ngroup: 'g'  # a comment\nprojects: []\n")
    assert {each.path.name: each.group for each in unused_configs(workdir)} == {"g.csv": "g", "plain.yaml": "plain", "named.yaml": "g"}


def test_without_an_inbox_there_are_none(tmp_path: Path) -> None:
    assert unused_configs(Workdir(tmp_path.resolve())) == []
