"""Published products are watched: what changes of their sources is seen, compared, and reported once."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.moving.moves import split
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.steps.withdraw import withdraw
from padocc_dagster.pipeline.watch import rounds
from padocc_dagster.pipeline.watch.audit import audited
from padocc_dagster.pipeline.watch.findings import Result
from padocc_dagster.pipeline.watch.look import look_at
from padocc_dagster.pipeline.watch.recompare import matches, recompared
from padocc_dagster.pipeline.watch.rounds import Unit, Watched, due, reported, units, watch, watch_project
from padocc_dagster.pipeline.workdir.changes import Change
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.published import SOURCES, owners, published_in, published_of, read_report, sources_in_report
from padocc_dagster.pipeline.workdir.source_states import state_of
from padocc_dagster.pipeline.workdir.sources import keep_checksums
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.projects import Made, copy

DAY = 86400.0
NOW = 2e9


@pytest.fixture(scope="session")
def published(stages: dict[str, Made], tmp_path_factory: pytest.TempPathFactory) -> Made:
    return copy(stages["validated"], tmp_path_factory.mktemp("published"))


@pytest.fixture
def made(published: Made, tmp_path: Path) -> Made:
    """A published project of three files, free to be damaged."""
    made = copy(published, tmp_path)
    made.through("publish")
    return made


def watched(made: Made, now: float = NOW) -> Watched:
    (found,) = watch(made.workdir, units(made.workdir), now)
    return found


def only_change(found: Watched) -> tuple[Change, str]:
    (finding,) = found.findings
    (change,) = finding.look.changes
    return change.change, Path(change.path).name


def test_a_report_lists_every_source_as_it_was_and_can_be_read_back(made: Made) -> None:
    (product,) = published_of(made.workdir, made.project)
    assert sources_in_report(read_report(product)) == tuple(state_of(str(path)) for path in made.sources)
    assert read_report(product)[SOURCES]["columns"] == ["path", "size", "mtime_ns", "ctime_ns", "inode", "checksum"]


def test_unchanged_sources_are_good_and_reported_once(made: Made) -> None:
    first = watched(made)
    assert [finding.result for finding in first.findings] == [Result.UNCHANGED] and first.is_news
    reported(made.workdir, [first], NOW)
    assert not watched(made, NOW + DAY).is_news


def test_a_source_rewritten_with_its_time_put_back_is_seen_in_one_round_and_named(made: Made) -> None:
    sources.rewritten(made.sources[1], made.sources[2])
    found = watched(made)
    assert only_change(found) == (Change.TOUCHED, "f_001.nc")
    (finding,) = found.findings
    assert finding.result is Result.DIFFERS
    assert any("f_001.nc" in problem for problem in finding.problems)


@pytest.mark.parametrize(
    ("damage", "change"),
    [
        (Path.unlink, Change.MISSING),
        (sources.shortened, Change.SHORTER),
        (lambda path: sources.rewritten(path, path.with_name("f_000.nc"), put_back=False), Change.NEWER),
        (lambda path: sources.replaced(path, path.with_name("f_000.nc")), Change.REPLACED),
    ],
    ids=["missing", "shorter", "newer", "replaced"],
)
def test_every_kind_of_change_is_named_and_the_product_compared(made: Made, damage: Callable[[Path], None], change: Change) -> None:
    damage(made.sources[2])
    found = watched(made)
    assert only_change(found) == (change, "f_002.nc")
    assert [finding.result for finding in found.findings] == [Result.DIFFERS]


def test_a_file_written_again_with_the_same_bytes_leaves_the_product_equal(made: Made) -> None:
    sources.same_values(made.sources[0])
    found = watched(made)
    assert only_change(found)[1] == "f_000.nc"
    assert [finding.result for finding in found.findings] == [Result.EQUAL]
    assert "equal those of the files as they are now" in found.findings[0].sentences[0]


def test_a_change_is_compared_once_until_something_else_changes(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from padocc_dagster.pipeline.watch import findings

    compared, once = [], findings.recompared
    monkeypatch.setattr(findings, "recompared", lambda *arguments: compared.append(1) or once(*arguments))
    sources.same_values(made.sources[0])
    first = watched(made)
    reported(made.workdir, [first], NOW)
    again = watched(made, NOW + DAY)
    assert again.findings[0].result is Result.EQUAL and not again.is_news and len(compared) == 1
    sources.same_values(made.sources[1])
    assert watched(made, NOW + 2 * DAY).is_news and len(compared) == 2


def test_a_catalogue_that_states_another_checksum_is_a_change(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    keep_checksums(made.workdir, made.project, {str(made.sources[0]): "1220aa"})
    made.through("publish")
    assert watched(made).findings[0].result is Result.UNCHANGED
    keep_checksums(made.workdir, made.project, {str(made.sources[0]): "1220bb"})
    found = watched(made)
    assert only_change(found) == (Change.CHECKSUM, "f_000.nc") and found.findings[0].result is Result.EQUAL


def test_a_product_that_is_gone_is_a_problem(made: Made) -> None:
    (product,) = published_of(made.workdir, made.project)
    product.product.path.unlink()
    (finding,) = watched(made).findings
    assert finding.result is Result.UNKNOWN and "is missing" in finding.look.problem


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"source_files": 3}'])
def test_a_damaged_report_is_a_problem_or_its_sources_are_found(made: Made, content: str) -> None:
    (product,) = published_of(made.workdir, made.project)
    product.report.write_text(content)
    (finding,) = watched(made).findings
    assert finding.result is (Result.UNCHANGED if content == "{}" else Result.UNKNOWN)


def test_a_product_with_links_is_compared_with_the_files_on_this_machine(made: Made) -> None:
    assert made.run("publish", links={str(made.root / "sources"): "https://data.example.org/archive"}).passed
    sources.same_values(made.sources[0])
    assert {each.look.published.revision: each.result for each in watched(made).findings} == {"k1.0": Result.EQUAL, "kr1.0": Result.EQUAL}


def test_a_project_that_changed_its_group_is_watched_by_its_new_name(made: Made) -> None:
    split(made.workdir, Choice(projects=(str(made.project),)), "other", By("ada", "tidying"))
    (unit,) = units(made.workdir)
    assert str(unit.project) == "other:proj" and [each.group for each in unit.products] == ["grp"]


def test_a_product_of_a_removed_project_is_still_watched(made: Made) -> None:
    made.workdir.main_list("grp").write_text("another")
    (unit,) = units(made.workdir)
    assert unit.project is None
    made.sources[0].unlink()
    assert watched(made).findings[0].result is Result.DIFFERS


def test_what_was_found_can_be_deleted_at_any_time(made: Made) -> None:
    reported(made.workdir, [watched(made)], NOW)
    for content in ("", "[1]", '{"proj_k1.0": 3}'):
        made.workdir.watched("grp").write_text(content)
        assert watched(made).is_news
    shutil.rmtree(made.workdir.watched("grp").parent)
    assert watched(made).is_news


def test_a_round_interrupted_before_its_comparison_is_due_at_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.same_values(made.sources[0])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "compared", killed)
        with pytest.raises(KeyboardInterrupt):
            watched(made)
    assert due(made.workdir, NOW + 1)
    found = watched(made, NOW + 1)
    assert due(made.workdir, NOW + 2), "a finding that Dagster does not know yet is due"
    reported(made.workdir, [found], NOW + 1)
    assert not due(made.workdir, NOW + 2)


def test_what_a_round_has_no_time_to_compare_is_red_all_the_same_and_compared_by_the_next(made: Made) -> None:
    sources.same_values(made.sources[0])
    (found,) = watch(made.workdir, units(made.workdir), NOW, seconds=0)
    assert [finding.result for finding in found.findings] == [Result.WAITING] and found.is_news
    reported(made.workdir, [found], NOW)
    (left,) = due(made.workdir, NOW + 3600)
    (found,) = watch(made.workdir, [left], NOW + 3600)
    assert [finding.result for finding in found.findings] == [Result.EQUAL] and found.is_news
    reported(made.workdir, [found], NOW + 3600)
    assert due(made.workdir, NOW + 7200) == []


def test_what_a_round_has_no_time_to_look_at_is_first_in_the_next(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    many(made, 5)
    monkeypatch.setattr(rounds, "TOGETHER", 2)
    first = [watched.project for watched in watch(made.workdir, due(made.workdir, NOW), NOW, seconds=0)]
    assert len(first) == 2
    assert {unit.project for unit in due(made.workdir, NOW)}.isdisjoint(first)


def many(made: Made, count: int) -> None:
    """So many published products, copies of the one there is."""
    (product,) = published_of(made.workdir, made.project)
    codes = [f"p{number:03d}" for number in range(count)]
    for code in codes:
        place = product.shelf / f"{code}_k1.0"
        shutil.copytree(product.place, place)
        for path in list(place.iterdir()):
            path.rename(place / path.name.replace("proj_", f"{code}_"))
    made.workdir.main_list("grp").write_text("\n".join(["proj", *codes]))


def test_every_product_is_looked_at_within_a_day_a_share_each_hour(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    many(made, 59)
    monkeypatch.setattr(rounds, "SMALLEST_SHARE", 2)
    seen: list[Unit] = []
    for hour in range(24):
        share = due(made.workdir, NOW + hour * 3600)
        assert len(share) <= 3
        reported(made.workdir, list(watch(made.workdir, share, NOW + hour * 3600)), NOW + hour * 3600)
        seen += share
    assert {unit.project for unit in seen[:60]} == {unit.project for unit in units(made.workdir)}


def test_a_product_that_somebody_deleted_is_found_until_it_is_withdrawn(made: Made) -> None:
    many(made, 2)
    list(watch(made.workdir, units(made.workdir), NOW))
    shutil.rmtree(made.workdir.completed / "grp" / "p001_k1.0")
    gone = made.project._replace(code="p001")
    found = {each.project: each.findings for each in watch(made.workdir, due(made.workdir, NOW + DAY), NOW + DAY)}
    assert [finding.result for finding in found[gone]] == [Result.UNKNOWN] and "is missing" in found[gone][0].look.problem
    assert not audited(made.workdir).is_good
    assert gone in withdraw(made.workdir, [gone], By("ada", "deleted by mistake")).done
    assert audited(made.workdir).is_good
    due(made.workdir, NOW + DAY)
    assert set(read_json(made.workdir.watched("grp"))) == {"proj_k1.0", "p000_k1.0"}


def test_a_product_withdrawn_while_it_is_compared_is_no_alarm(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    once = rounds.compared

    def withdrawn_before(*arguments: Any) -> Any:
        withdraw(made.workdir, [made.project], By("ada", "no longer needed"))
        return once(*arguments)

    made.sources[0].unlink()
    monkeypatch.setattr(rounds, "compared", withdrawn_before)
    assert watched(made).findings == ()


def test_one_project_is_looked_at_whenever_somebody_wants_it(made: Made) -> None:
    assert [each.result for each in watch_project(made.workdir, made.project).findings] == [Result.UNCHANGED]
    assert watch_project(made.workdir, made.project._replace(code="none")).findings == ()


def as_padocc_publishes(made: Made, below: str, remote: str = "") -> Path:
    """Put the product where PADOCC's own `complete` puts it, and nothing else."""
    shutil.rmtree(made.workdir.completed)
    path = made.workdir.completed / below / "data" / f"proj_k{'r' if remote else ''}1.0.json"
    path.parent.mkdir(parents=True)
    path.write_text(made.product.read_text().replace(f'["{made.root}', f'["{remote}{made.root}') if remote else made.product.read_text())
    return path


@pytest.mark.parametrize("below", ["", "grp"])
@pytest.mark.parametrize("remote", ["", "https://dap.ceda.ac.uk/"])
def test_a_product_that_padocc_published_is_watched_from_the_first_look_on(made: Made, below: str, remote: str) -> None:
    path = as_padocc_publishes(made, below, remote)
    (finding,) = watched(made).findings
    assert (finding.look.published.product.path, finding.result, finding.look.origin) == (path, Result.UNCHANGED, "first seen")
    sources.rewritten(made.sources[1], made.sources[2])
    found = watched(made)
    assert only_change(found) == (Change.TOUCHED, "f_001.nc") and found.findings[0].result is Result.DIFFERS


def test_the_references_name_the_sources_where_the_projects_list_does_not(made: Made) -> None:
    as_padocc_publishes(made, "grp")
    made.workdir.allfiles(made.project).write_text("")
    (finding,) = watched(made).findings
    assert finding.look.sources == 3


def test_a_source_that_is_gone_before_the_first_look_is_named(made: Made) -> None:
    as_padocc_publishes(made, "grp")
    made.sources[1].unlink()
    (finding,) = watched(made).findings
    assert finding.result is Result.UNKNOWN and "f_001.nc" in finding.look.problem


def test_a_product_whose_sources_nobody_knows_says_so(made: Made) -> None:
    path = as_padocc_publishes(made, "grp")
    path.write_text(json.dumps({"version": 1, "refs": {"tas/0": ["https://h/x.nc", 0, 1]}}))
    (finding,) = watched(made).findings
    assert finding.result is Result.UNKNOWN and "are not known" in finding.look.problem


def test_a_look_never_raises_for_what_lies_on_the_disk(made: Made) -> None:
    ((product, owner),) = owners(made.workdir, published_in(made.workdir, "grp"))
    write_json(product.report, {**read_report(product), SOURCES: {"columns": ["path"], "rows": [["/x"]]}})
    assert look_at(made.workdir, product, owner).problem


@pytest.mark.parametrize(("start", "function"), [("1220", "sha256"), ("d50110", "md5"), ("1114", "sha1"), ("1340", "sha512")])
def test_checksums_of_catalogues_are_computed(tmp_path: Path, start: str, function: str) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    digest = hashlib.new(function, b"abc").hexdigest()
    assert matches(str(tmp_path / "f"), (start + digest).upper()) is True
    assert matches(str(tmp_path / "f"), start + digest[::-1]) is False
    assert matches(str(tmp_path / "f"), "1e20" + digest) is None


def test_a_thorough_comparison_holds_the_files_against_the_checksums_of_their_catalogue(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    right = "1220" + hashlib.sha256(made.sources[0].read_bytes()).hexdigest()
    keep_checksums(made.workdir, made.project, {str(made.sources[0]): right, str(made.sources[1]): "1220" + "0" * 64})
    made.through("publish")
    (product,) = published_of(made.workdir, made.project)
    assert recompared(made.workdir, product).passed
    (problem,) = recompared(made.workdir, product, thorough=True).problems
    assert "f_001.nc does not have the checksum 12200000" in problem
