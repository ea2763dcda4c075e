"""Publishing: whole or not at all, never over another product, and links rewritten only when asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.outcome import Verdict
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


def test_a_publication_killed_between_copy_and_rename_shows_nothing_and_the_next_one_cleans_up(at: At) -> None:
    made = at("validated")
    killed_at_call("os.rename", 1, "publish", root=str(made.workdir.root), project=str(made.project))
    left = made.published()
    assert len(left) == 1
    assert left[0].startswith(".proj_k1.0.")
    made.through("publish")
    assert made.published() == ["proj_k1.0"]
