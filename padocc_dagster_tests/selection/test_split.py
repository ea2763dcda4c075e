"""A CSV with some bad rows, parted: what is good can be used at once, what is bad says why."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.selection import ConfigRejected, read_group_config
from padocc_dagster.selection.problems import Problem
from padocc_dagster.selection.split import NotSplit, split


def run(*words: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["check", *map(str, words)])


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A config of 20 projects, of which three are bad, with a header, comments, a file of attributes beside it, and odd line ends."""
    (tmp_path / "x.nc").write_bytes(b"x")
    (tmp_path / "updates.json").write_text('{"title": "a title"}')
    rows = [f"p{number},{tmp_path}/*.nc,updates.json," for number in range(20)]
    rows[3] = f"p3,{tmp_path}/none_*.nc,,"
    rows[7] = f'p7,"{tmp_path}/*.nc,,'
    rows[11] = rows[10]
    path = tmp_path / "big.csv"
    path.write_bytes(("\ufeffproj_code,pattern,updates,removals\n# the first ten\n\n" + "\r\n".join(rows)).encode())
    return path


def test_the_good_file_is_accepted_and_the_bad_one_names_the_same_problems(big: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    result = run(big, "--good", good, "--bad", bad)
    assert result.exit_code == 1 and "17 good projects" in result.stdout and "3 projects, each below its problems (3)" in result.stdout, (
        result.output
    )
    assert [project.code for project in read_group_config(good).projects] == [f"p{n}" for n in range(20) if n not in (3, 7, 11)]
    assert run(good).exit_code == 0
    with pytest.raises(ConfigRejected) as whole:
        read_group_config(big)
    text = bad.read_text()
    assert all(f"# {problem}\n" in text for problem in whole.value.problems)
    add = f'padocc-dagster add {bad} --group big --why "corrected"'
    assert text.startswith(f"# Correct these lines, then: {add}\nproj_code,pattern") and text.count("\n# line ") == 3
    again = run(bad)
    assert again.exit_code == 1 and "none_*.nc" in again.stderr and "quotes" in again.stderr


def test_a_rejected_config_says_how_to_begin_with_its_good_lines(big: Path) -> None:
    said = run(big).stderr
    assert "The other 17 project(s) are good." in said and "`padocc-dagster check big.csv --good good.csv --bad bad.csv`" in said
    big.write_text("p,/nowhere/*.nc\n")
    assert "are good" not in run(big).stderr


def test_what_was_corrected_is_accepted_with_the_comments_left_in(big: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    run(big, "--good", good, "--bad", bad)
    bad.write_text(bad.read_text().replace("none_*", "*").replace('p7,"', "p7,"))
    assert run(bad).exit_code == 0


def test_a_good_config_is_not_written_again(big: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    run(big, "--good", good, "--bad", tmp_path / "bad.csv")
    result = run(good, "--good", tmp_path / "g2.csv", "--bad", tmp_path / "b2.csv")
    assert result.exit_code == 0 and "No project is bad" in result.stdout and not (tmp_path / "g2.csv").exists()


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("big.csv", "bad.csv", "is there already"),
        ("good.csv", "good.csv", "name two"),
        ("good.txt", "bad.csv", "call it so, as in good.csv"),
        ("elsewhere/good.csv", "bad.csv", "has paths that start at its folder"),
        ("inbox/good.csv", "bad.csv", "is in an inbox, where it is read as the config of a group good"),
    ],
)
def test_no_file_is_replaced_and_none_is_written_where_it_would_mean_something_else(
    big: Path, tmp_path: Path, good: str, bad: str, told: str
) -> None:
    for folder in ("elsewhere", "inbox"):
        (tmp_path / folder).mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    result = run(big, "--good", tmp_path / good, "--bad", tmp_path / bad)
    assert result.exit_code == 1 and told in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert not list(tmp_path.glob("*/*.csv"))


def test_a_config_in_an_inbox_is_parted_into_another_folder(big: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "big.csv").write_text(big.read_text().replace("updates.json", ""))
    result = run(inbox / "big.csv", "--good", tmp_path / "good.csv", "--bad", tmp_path / "bad.csv")
    assert result.exit_code == 1 and "17 good projects" in result.stdout and run(tmp_path / "good.csv").exit_code == 0


def test_a_header_in_another_order_is_corrected_first(tmp_path: Path) -> None:
    (tmp_path / "x.nc").write_bytes(b"x")
    path = tmp_path / "odd.csv"
    path.write_text(f"pattern,proj_code\n{tmp_path}/*.nc,p\nq,{tmp_path}/*.nc\n")
    result = run(path, "--good", tmp_path / "good.csv", "--bad", tmp_path / "bad.csv")
    assert result.exit_code == 1 and "cannot be parted" in result.stderr and "header" in result.stderr
    assert not (tmp_path / "good.csv").exists()


def test_a_problem_of_the_whole_file_is_no_rows() -> None:
    with pytest.raises(NotSplit, match="about the whole file"):
        split("a,/x", [Problem(None, "the name is not safe")])


def test_a_yaml_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_text("projects: []")
    result = run(path, "--good", tmp_path / "good.csv", "--bad", tmp_path / "bad.csv")
    assert result.exit_code == 1 and "take those entries out" in result.stderr


def test_one_of_the_two_alone_is_a_wrong_call(big: Path, tmp_path: Path) -> None:
    assert run(big, "--good", tmp_path / "good.csv").exit_code == 2
