"""The board of a group: what it says, that it says nothing but text, and that it stays small and quick."""

import json
import shlex
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from padocc_dagster.actions.step import ProjectsConfig
from padocc_dagster.pipeline.board import failures_of, forecast_of, read_facts, write_board
from padocc_dagster.pipeline.board.facts import FAULTLISTED, counted
from padocc_dagster.pipeline.board.page import duration
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.workdir.files import append_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.published import published_in
from padocc_dagster.pipeline.workdir.withdrawn import withdraw_product
from padocc_dagster_tests.pipeline.board.groups import WORST, many, write_group

ENDS = {
    "done": ("complete", "ok"),
    "working": ("compute", "at work"),
    "ready": ("scan", "ok"),
    "broken": ("compute", "KeyError"),
    "damaged": ("scan", "UnreadableSourceError"),
    "damaged-too": ("scan", "UnreadableSourceError"),
}


class Parts(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, tag: str, name: str) -> list[str | None]:
        return [attributes[name] for found, attributes in self.tags if found == tag and name in attributes]


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    return Workdir(tmp_path / "w")


def board(workdir: Workdir, group: str = "g", path: Path | None = None) -> str:
    facts = read_facts(workdir, group)
    return write_board(workdir, group, facts, forecast_of(workdir, group, facts, 2, False), path).read_text()


def test_every_project_is_in_one_place_and_in_the_table(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    facts = {each.code: each for each in read_facts(workdir, "g")}
    places = {code: each.place for code, each in facts.items()}
    assert places == {
        "done": "published",
        "working": "at work",
        "ready": "waiting",
        "broken": "stopped",
        "damaged": "stopped",
        "damaged-too": "stopped",
    }
    assert facts["done"].revision == "k1.0" and facts["done"].path.endswith("completed/g/done_k1.0/done_k1.0.json")
    assert facts["broken"].error_class == "KeyError" and facts["done"].product_bytes == 1000 and facts["done"].run == "run-of-done"
    page = Parts(board(workdir))
    assert page.values("tr", "data-p") == list(places.values())
    assert "completed/g/done_k1.0/done_k1.0.json" in page.text and "kerchunk k1.0" in page.text


def test_a_project_whose_failed_phase_was_requested_again_waits_for_a_run(workdir: Workdir) -> None:
    from padocc_dagster.pipeline.workdir.events import PhaseRequested
    from padocc_dagster.pipeline.workdir.history import note
    from padocc_dagster.pipeline.workdir.layout import Project

    write_group(workdir, "g", ENDS)
    note(workdir, {Project("g", "broken"): PhaseRequested(phase="compute", who="ada", why="to see")})
    assert {each.code: each.place for each in read_facts(workdir, "g")}["broken"] == "waiting"


def test_a_project_whose_product_was_withdrawn_does_not_count_as_published(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    [published] = published_in(workdir, "g")
    withdraw_product(published, [], "ada", "the calendar is wrong")
    facts = {each.code: each for each in read_facts(workdir, "g")}
    assert facts["done"].place == "withdrawn" and counted(list(facts.values()))["published"] == 0
    assert "0 of 6 published" in board(workdir)


def test_failures_are_shown_by_class_the_most_frequent_first(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    found = [(each.error_class, each.phase, each.codes) for each in failures_of(workdir, "g", read_facts(workdir, "g"))]
    assert found == [("UnreadableSourceError", "scan", ("damaged", "damaged-too")), ("KeyError", "compute", ("broken",))]


def test_the_commands_of_a_class_mean_its_projects_and_no_others(workdir: Workdir) -> None:
    weird = "It's {a} $(class)"
    third = ("scan", "UnreadableSourceError")
    write_group(workdir, "g", {**ENDS, "one": ("compute", weird), "two": ("compute", weird), "lost": third, "lost-too": third})
    workdir.faultlist("g").write_text("lost,given up\nlost-too,given up\n")
    for failure in failures_of(workdir, "g", read_facts(workdir, "g")):
        assert failure.remedies
        for _, command in failure.remedies:
            words = shlex.split(command)
            assert words[words.index("-w") + 1] == str(workdir.root)
            if "--group" not in words:
                assert f"g:{failure.codes[0]}" in words or words[1] == "doctor"
                continue
            given = {name: words[words.index(option) + 1] for name, option in OPTIONS.items() if option in words}
            projects = chosen(workdir, ProjectsConfig(who="a", why="b", **given).choice)
            assert {each.code for each in projects} == set(failure.codes), command
        assert (failure.error_class == FAULTLISTED) == ("lost" in failure.codes)


OPTIONS = {"group": "--group", "phase": "--phase", "outcome": "--outcome", "error_class": "--error-class"}


def test_what_files_say_is_text_and_nothing_else(workdir: Workdir) -> None:
    write_group(workdir, "g", {"a": ("compute", WORST), "b": ("scan", WORST), "c": ("scan", WORST)}, WORST)
    workdir.faultlist("g").write_text(f'b,"{WORST.encode("utf-8", "replace").decode()}"\n')
    append_text(workdir.portraits("g"), json.dumps({"name": "x", "boxes": [], "png": '" onerror="', "caption": ""}) + "\n")
    page = Parts(board(workdir))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.values("img", "src") == []
    assert any("{{ 7*7 }}" in text for text in page.text)


def test_the_page_needs_neither_server_nor_network(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    page = Parts(board(workdir))
    assert not page.values("link", "href") and not page.values("script", "src")
    (policy,) = (value for value in page.values("meta", "content") if value and value.startswith("default-src"))
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "http" not in policy


def test_files_that_are_damaged_leave_the_page_whole(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    project = workdir.root / "in_progress" / "g" / "done"
    (project / "padocc_dagster" / "events.jsonl").write_bytes(b'\xff\xfe{"kind": "ended"\n{"kind": "ended", "details": 3}\n[]\n')
    (workdir.root / "in_progress" / "g" / "ready" / "status_log.csv").write_bytes(b"\xff\xff,\nscan")
    append_text(workdir.portraits("g"), "no JSON\n3\n")
    assert Parts(board(workdir)).values("tr", "data-p")[0] == "published"


def test_a_group_without_projects_has_a_page_too(workdir: Workdir) -> None:
    write_group(workdir, "g", {})
    assert "0 of 0 published" in board(workdir)


def test_portraits_of_what_is_published_are_on_the_map_and_among_the_pictures(workdir: Workdir) -> None:
    write_group(workdir, "g", ENDS)
    lines = [{"name": name, "boxes": [[-10, 40, 20, 60]], "png": "iVBORw0KGgo=", "caption": "tas"} for name in ("done_k1.0", "gone_k1.0")]
    append_text(workdir.portraits("g"), "".join(json.dumps(line) + "\n" for line in lines))
    page = Parts(board(workdir))
    assert [attributes["x"] for tag, attributes in page.tags if tag == "rect" and attributes.get("height") == "40.0"] == ["340.0"]
    assert page.values("img", "alt") == ["tas"] and "gone_k1.0" not in "".join(page.text)


@pytest.mark.parametrize("seconds, words", [(0.4, "0.4 s"), (40, "40 s"), (1500, "25 min"), (27000, "7.5 h"), (300000, "3.5 days")])
def test_times_are_written_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_five_thousand_projects_take_less_than_five_seconds_and_five_megabytes(
    workdir: Workdir, record_property: Callable[[str, object], None]
) -> None:
    message = "the files have different chunks along time: (1, 120, 360) in the first and (31, 60, 180) in the last"
    write_group(workdir, "g", many(5000), message)
    board(workdir)  # what is imported once
    began = time.process_time()
    size = len(board(workdir).encode())
    seconds = time.process_time() - began
    record_property("figure", f"the board of 5000 projects: {seconds:.1f} s, {size / 1e6:.1f} MB")
    assert seconds < 5 and size < 5_000_000
