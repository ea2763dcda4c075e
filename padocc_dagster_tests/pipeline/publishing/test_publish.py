"""Publishing: whole or not at all, never over another product, and links rewritten only when asked."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.publishing import publish
from padocc_dagster.pipeline.publishing.links import linked
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.sources import SourceNotFoundError
from padocc_dagster.pipeline.workdir.status import GateClosedError
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.killing import killed_at_call
from padocc_dagster_tests.pipeline.projects import Made

At = Callable[[str], Made]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_publication_holds_the_compared_bytes_and_a_report(at: At) -> None:
    made = at("validated")
    outcome = made.through("publish")
    assert made.published() == ["proj_k1.0"]
    assert Path(outcome.details["published"]).read_bytes() == made.product.read_bytes()
    report = json.loads(Path(outcome.details["report"]).read_text())
    assert report["comparison"]["passed"] is True
    assert (report["project"], report["revision"], report["links"]) == ("grp:proj", "k1.0", {})
    assert [row[:2] for row in report["history"]] == [list(row) for row in made.statuses[:-1]]


def test_the_same_product_published_twice_changes_nothing(at: At) -> None:
    made = at("validated")
    made.through("publish")
    before = contents(made.workdir.completed)
    again = made.through("publish")
    assert "published before" in again.message
    assert contents(made.workdir.completed) == before


def test_another_product_of_the_same_revision_is_refused_and_taken_with_a_new_version(at: At) -> None:
    made = at("validated")
    made.through("publish")
    before = contents(made.workdir.completed)
    made.product.write_text(made.product.read_text().replace("air temperature", "AIR TEMPERATURE"))
    assert made.verified()["passed"]
    outcome = made.run("publish")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "AlreadyPublishedError")
    assert "new_version" in outcome.message
    assert contents(made.workdir.completed) == before
    made.run("compute", new_version=True)
    assert made.verified()["passed"]
    made.through("validate", "publish")
    assert made.published() == ["proj_k1.0", "proj_k1.1"]
    assert made.product.exists()
    assert before.items() <= contents(made.workdir.completed).items()


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_links_are_rewritten_when_asked_and_can_be_traced_back(at: At, prefix: str) -> None:
    made = at("validated")
    here, there = str(made.root / "sources"), "https://data.example.org/archive"
    if prefix:
        made.product.write_text(made.product.read_text().replace(f'["{here}', f'["{prefix}{here}'))
        assert made.verified()["problems"] == []
    outcome = made.through("publish") and made.run("publish", links={here: there})
    assert outcome.passed, outcome
    assert made.published() == ["proj_k1.0", "proj_kr1.0"]
    published = Path(outcome.details["published"])
    assert published.name == "proj_kr1.0.json"
    assert here not in published.read_text()
    links = [entry[0] for entry in json.loads(published.read_text())["refs"].values() if isinstance(entry, list)]
    assert {Path(link).name for link in links} == {path.name for path in made.sources}
    assert all(link.startswith(f"{there}/") for link in links)


def test_links_that_name_no_source_are_refused(at: At) -> None:
    made = at("validated")
    outcome = made.run("publish", links={"/elsewhere": "https://x.example"})
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "ValueError")
    assert made.published() == []


def test_links_that_throw_two_places_together_are_refused(at: At) -> None:
    made = at("validated")
    first, second = str(made.sources[0]), str(made.root / "sources")
    outcome = made.run("publish", links={first: "https://x.example/f_001.nc", second: "https://x.example"})
    assert outcome.verdict is Verdict.FAILED
    assert made.published() == []


def links_of(*paths: str, **links: str) -> list[str]:
    references = {"refs": {f"tas/{number}": [path, 0, 8] for number, path in enumerate(paths)}}
    return [entry[0] for entry in linked(references, links)["refs"].values()]


def test_a_link_replaces_whole_path_components_only() -> None:
    assert links_of("/u/w/m.nc", **{"/u/w": "https://h/archive"}) == ["https://h/archive/m.nc"]
    with pytest.raises(ValueError, match="no link is given for /u/w1/src/m.nc: name"):
        links_of("/u/w1/src/m.nc", **{"/u/w": "https://h/archive"})


def test_slashes_at_the_end_of_a_link_make_no_difference() -> None:
    expected = ["https://h/archive/m.nc"]
    assert links_of("/u/w/m.nc", **{"/u/w/": "https://h/archive"}) == expected
    assert links_of("/u/w/m.nc", **{"/u/w": "https://h/archive//"}) == expected
    assert links_of("/archive/m.nc", **{"/": "https://h/"}) == expected


def test_the_longest_link_that_fits_wins_and_one_may_name_a_file() -> None:
    links = {"/u": "https://h", "/u/w/m.nc": "s3://bucket/one.nc", "/u/w": "https://other/w"}
    paths = ("/u/w/m.nc", "/u/w/n.nc", "file:///u/o.nc")
    assert links_of(*paths, **links) == ["s3://bucket/one.nc", "https://other/w/n.nc", "https://h/o.nc"]


@pytest.mark.parametrize("target", ["", "https://", "https:///", "https:///x", "/archive", "h/archive", "https:// h", "https://h\n"])
def test_a_link_to_what_is_no_address_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        links_of("/u/w/m.nc", **{"/u/w": target})


@pytest.mark.parametrize("prefix", ["", "u/w", "file:///u/w"])
def test_a_link_from_what_is_no_absolute_path_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="is not an absolute path"):
        links_of("/u/w/m.nc", **{"/u": "https://h", prefix: "https://h/archive"})


def test_all_that_is_wrong_with_links_is_told_at_once_before_anything_is_copied(at: At) -> None:
    made = at("validated")
    outcome = made.run("publish", links={"sources": "https://h", "/elsewhere": "", "/twice": "https://a", "/twice/": "https://b"})
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "ValueError")
    for words in (
        "'sources' is not an absolute path",
        "'' is no address",
        "/twice is given twice",
        f"no link is given for {made.sources[0]}",
    ):
        assert words in outcome.message
    assert not (made.workdir.completed / "grp").exists()


def test_what_another_project_has_left_beside_is_let_alone(at: At) -> None:
    made = at("validated")
    folder = made.workdir.completed / "grp"
    own, others = folder / ".proj_k1.0.0123abcd", folder / ".proj_k1.0.b_k1.0.0123abcd"
    for left in (own, others):
        left.mkdir(parents=True)
    made.through("publish")
    assert made.published() == [others.name, "proj_k1.0"]


def test_the_folder_is_on_the_disk_with_product_and_report_before_it_is_renamed(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fsync, rename = at("validated"), os.fsync, os.rename
    steps: list[tuple[str, list[str]]] = []

    def seen(step: str, folder: str) -> None:
        if Path(folder).name.startswith(".proj_k1.0."):
            steps.append((step, sorted(os.listdir(folder))))

    def spied_fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if os.path.isdir(path):
            seen("synced", path)
        fsync(descriptor)

    def spied_rename(here: Path, there: Path) -> None:
        seen("renamed", str(here))
        rename(here, there)

    monkeypatch.setattr(os, "fsync", spied_fsync)
    monkeypatch.setattr(os, "rename", spied_rename)
    publish.publish(made.workdir, made.project)
    whole = ["proj_k1.0.json", "proj_k1.0_report.json"]
    assert steps[-2:] == [("synced", whole), ("renamed", whole)]


def test_links_are_rewritten_from_the_very_bytes_that_were_compared(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    made = at("validated")
    links = {str(made.root / "sources"): "https://h"}
    passed = publish.comparison_problem

    def changed_after(*arguments: object) -> str | None:
        problem = passed(*arguments)
        made.product.write_text(made.product.read_text() + " ")
        return problem

    monkeypatch.setattr(publish, "comparison_problem", changed_after)
    with pytest.raises(OSError, match="is not what was compared with the sources"):
        publish.publish(made.workdir, made.project, links=links)
    assert made.published() == []


def test_what_becomes_of_the_product_after_its_one_reading_does_not_matter(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    made, once = at("validated"), publish.linked

    def gone_then(*arguments: Any) -> Any:
        made.product.unlink()
        return once(*arguments)

    monkeypatch.setattr(publish, "linked", gone_then)
    published = publish.publish(made.workdir, made.project, links={str(made.root / "sources"): "https://h"})
    assert "https://h/f_000.nc" in Path(published["published"]).read_text()


def test_a_publication_killed_between_copy_and_rename_shows_nothing_and_the_next_one_cleans_up(at: At) -> None:
    made = at("validated")
    killed_at_call("os.rename", 1, "publish", root=str(made.workdir.root), project=str(made.project))
    left = made.published()
    assert len(left) == 1
    assert left[0].startswith(".proj_k1.0.")
    made.through("publish")
    assert made.published() == ["proj_k1.0"]


CHANGES = {
    "rewritten, its time put back": lambda path: sources.rewritten(path, path.with_name("f_000.nc")),
    "another file of equal size and time in its place": lambda path: sources.replaced(path, path.with_name("f_000.nc")),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("moment", ["comparison_problem", "_copy", "write_json"])
def test_a_source_changed_between_the_gate_and_the_rename_is_refused(
    at: At, monkeypatch: pytest.MonkeyPatch, change: str, moment: str
) -> None:
    made, once = at("validated"), getattr(publish, moment)

    def changed_after(*arguments: Any) -> Any:
        done = once(*arguments)
        if made.sources[1].exists():
            CHANGES[change](made.sources[1])
        return done

    monkeypatch.setattr(publish, moment, changed_after)
    with pytest.raises((GateClosedError, SourceNotFoundError), match="source file"):
        publish.publish(made.workdir, made.project)
    assert made.published() == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_changed_after_the_comparison_closes_the_gate(at: At, change: str) -> None:
    made = at("validated")
    CHANGES[change](made.sources[1])
    outcome = made.run("publish")
    assert not outcome.passed and "source file" in outcome.message
    assert made.published() == []


def test_a_product_changed_between_its_copy_and_the_rename_is_refused(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    made, once = at("validated"), publish.write_json

    def changed_after(path: Path, value: Any) -> None:
        once(path, value)
        copied = path.with_name("proj_k1.0.json")
        copied.write_text(copied.read_text() + " ")

    monkeypatch.setattr(publish, "write_json", changed_after)
    with pytest.raises(OSError, match="is not what was compared with the sources"):
        publish.publish(made.workdir, made.project)
    assert made.published() == []
