"""A group config becomes projects and partitions: in one run, all or nothing, and each piece of news once."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions.initialise import PROJECT, initialise_group
from padocc_dagster.resources import Padocc

PROJECTS = 1000


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def run(instance: dg.DagsterInstance, workdir: Path, config: Path) -> dg.ExecuteInProcessResult:
    return initialise_group.execute_in_process(
        instance=instance,
        resources={"padocc": Padocc(root=str(workdir))},
        run_config=dg.RunConfig(ops={"initialise_projects": {"config": {"path": str(config)}}}),
        raise_on_error=False,
    )


def announced(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.partition for event in result.get_asset_materialization_events()]


def junk(folder: Path, *names: str) -> str:
    """Files that hold no data at all: whoever opens one fails. Returns their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"not a dataset")
    return f"{folder}/*.nc"


def test_a_thousand_projects_become_partitions_without_opening_a_data_file(
    instance: dg.DagsterInstance, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    config = tmp_path / "large.csv"
    lines = [f"p{number},{junk(tmp_path / 'sources' / str(number), 'a.nc', 'b.nc')},," for number in range(PROJECTS)]
    config.write_text("\n".join(lines))
    begin = time.time()
    result = run(instance, tmp_path / "work", config)
    seconds = time.time() - begin
    assert result.success
    announcements = instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION, limit=1).records
    until_partitions = announcements[0].timestamp - begin
    record_property("figure", f"{PROJECTS} projects of a CSV: {until_partitions:.1f} s until partitions, {seconds:.1f} s until announced")
    assert len(instance.get_dynamic_partitions("projects")) == PROJECTS
    assert instance.get_dynamic_partitions("groups") == ["large"]
    assert len(instance.get_materialized_partitions(PROJECT)) == PROJECTS


def test_only_what_changed_is_news(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    first, second = junk(tmp_path / "one", "a.nc"), junk(tmp_path / "two", "a.nc")
    config = tmp_path / "group.csv"
    config.write_text(f"one,{first},,\ntwo,{second},,\n")
    assert announced(run(instance, tmp_path / "work", config)) == ["group:one", "group:two"]
    assert announced(run(instance, tmp_path / "work", config)) == []
    junk(tmp_path / "two", "b.nc")
    config.write_text(f"one,{first},,\ntwo,{second},,\nthree,{first},,\n")
    assert announced(run(instance, tmp_path / "work", config)) == ["group:two", "group:three"]


def test_a_project_that_left_the_config_stays(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    pattern = junk(tmp_path / "one", "a.nc")
    config = tmp_path / "group.csv"
    config.write_text(f"one,{pattern},,\ntwo,{pattern},,\n")
    run(instance, tmp_path / "work", config)
    config.write_text(f"one,{pattern},,\n")
    assert run(instance, tmp_path / "work", config).success
    assert instance.get_dynamic_partitions("projects") == ["group:one", "group:two"]
    assert (tmp_path / "work" / "in_progress" / "group" / "two" / "base-cfg.json").exists()


def test_a_config_with_one_bad_line_initialises_nothing(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    config = tmp_path / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n$(touch x),/nowhere/*.nc,,\n")
    result = run(instance, tmp_path / "work", config)
    assert not result.success
    assert not (tmp_path / "work").exists()
    assert instance.get_dynamic_partitions("projects") == []


def test_news_interrupted_before_it_was_told_is_told_by_the_next_run(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n")
    run(instance, tmp_path / "work", config)
    junk(tmp_path / "one", "b.nc")
    with monkeypatch.context() as interrupted:
        interrupted.setattr("padocc_dagster.actions.initialise.add_projects", lambda *_: 1 / 0)
        assert not run(instance, tmp_path / "work", config).success
    assert Counter(announced(run(instance, tmp_path / "work", config))) == {"group:one": 1}
