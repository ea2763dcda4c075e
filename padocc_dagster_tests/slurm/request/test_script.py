"""The batch script, as text: what sbatch reads of it, and what bash makes of it."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.slurm.request.script import SET_UP_FAILED, BatchRequest, batch_script, for_one_run

REQUEST = BatchRequest(
    job_name="padocc-0a1b2c3d",
    comment="padocc-dagster run 0a1b2c3d",
    allocation=Allocation(
        wall_seconds=5400, memory_mib=2048, cpus=2, partition="main", qos="standard", account="demo", exclude=("n1", "n2")
    ),
    log=Path("/logs/2026-03-01/0a/run.log"),
    folder=Path("/logs/2026-03-01/0a"),
    set_up=("module load jaspy", "export MODE=fast"),
    python="/env/bin/python",
    main=for_one_run(
        Path("/logs/2026-03-01/0a/run.json"), 60, ("/env/bin/python", "-m", "dagster", "api", "execute_run", '{"run": "it\'s"}')
    ),
    options=(("constraint", "intel&avx"), ("exclusive", True), ("nice", 50), ("oversubscribe", False)),
)
TEXT = """\
#!/bin/bash
#SBATCH --job-name=padocc-0a1b2c3d
#SBATCH --comment="padocc-dagster run 0a1b2c3d"
#SBATCH --output=/logs/2026-03-01/0a/run.log
#SBATCH --open-mode=append
#SBATCH --chdir=/logs/2026-03-01/0a
#SBATCH --time=01:30:00
#SBATCH --mem=2G
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --partition=main
#SBATCH --qos=standard
#SBATCH --account=demo
#SBATCH --exclude=n1,n2
#SBATCH --constraint="intel&avx"
#SBATCH --nice=50
#SBATCH --no-requeue
#SBATCH --exclusive
eval 'module load jaspy' || { echo 'Line 1 of set_up failed: module load jaspy' >&2; exit 78; }
eval 'export MODE=fast' || { echo 'Line 2 of set_up failed: export MODE=fast' >&2; exit 78; }
export PYTHONUNBUFFERED=1
exec /env/bin/python -P -m padocc_dagster.slurm.node.host --report /logs/2026-03-01/0a/run.json --grace 60 -- \
/env/bin/python -m dagster api execute_run '{"run": "it'"'"'s"}'
"""
HOSTILE = "a \"b\" 'c' #d $(touch pwned) `touch pwned` \\ \\n ; --time=1 é 100% $HOME"


def words_of_sbatch(line: str) -> list[str]:
    """The words of an #SBATCH line by the rules of sbatch, told in options.py; seen to agree with sbatch 22.05."""
    words, word, quote, escaped = [], None, "", False
    for letter in line.removeprefix("#SBATCH"):
        if escaped:
            word, escaped = (word or "") + letter, False
        elif letter == "\\":
            escaped = True
        elif quote:
            word, quote = (word or "", "") if letter == quote else ((word or "") + letter, quote)
        elif letter in "'\"":
            quote = letter
        elif letter == "#":
            break
        elif letter.isspace():
            words, word = words + [word] if word is not None else words, None
        else:
            word = (word or "") + letter
    assert not quote
    return words + [word] if word is not None else words


def options_of(text: str) -> dict[str, str]:
    lines = [words_of_sbatch(line) for line in text.splitlines() if line.startswith("#SBATCH")]
    assert all(len(words) == 1 for words in lines)
    return dict(words[0].removeprefix("--").partition("=")[::2] for words in lines)


def test_the_script_is_this() -> None:
    assert batch_script(REQUEST) == TEXT


def test_what_is_not_asked_is_not_written() -> None:
    text = batch_script(replace(REQUEST, allocation=Allocation(), options=(), set_up=()))
    assert list(options_of(text)) == ["job-name", "comment", "output", "open-mode", "chdir", "nodes", "ntasks", "no-requeue"]


def test_nodes_excluded_by_the_site_and_for_the_run_are_excluded_together() -> None:
    text = batch_script(replace(REQUEST, options=(("exclude", "bad[1-3]"),)))
    assert options_of(text)["exclude"] == "n1,n2,bad[1-3]"
    assert text.count("--exclude") == 1


def test_hostile_names_are_single_words_for_sbatch() -> None:
    log = Path("/logs/a \"b\" 'c' #d $(x) %j é 100%/run.log")
    request = replace(REQUEST, job_name=HOSTILE, comment=HOSTILE, folder=Path("/", HOSTILE), log=log, options=(("wckey", HOSTILE),))
    text = batch_script(request)
    found = options_of(text)
    assert (found["job-name"], found["comment"], found["chdir"], found["wckey"]) == (HOSTILE, HOSTILE, f"/{HOSTILE}", HOSTILE)
    assert found["output"] == str(log).replace("%", "%%")


def test_hostile_words_are_single_words_for_bash(tmp_path: Path) -> None:
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    words = [HOSTILE, "", "a\nb", "--", "--grace", "*"]
    command = (sys.executable, "-c", code, *words)
    request = replace(REQUEST, set_up=(), python=sys.executable, main=for_one_run(tmp_path / f"r {HOSTILE}.json", 60, command))
    ended = run(batch_script(request), tmp_path)
    assert json.loads(ended.stdout) == words
    assert sorted(os.listdir(tmp_path)) == ["job.sh", f"r {HOSTILE}.json"]


def run(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    script = folder / "job.sh"
    script.write_text(text)
    subprocess.run(["bash", "-n", script], check=True)
    package = str(Path(__file__).parents[3])
    environment = {**os.environ, "SLURM_JOB_ID": "7", "PYTHONPATH": package}
    return subprocess.run(["bash", script], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("text", ["two\nlines", "a\rb", "a\x00b", "", "\x1b[1m", "x" * 4001, "é" * 2001])
@pytest.mark.parametrize("field", ["job_name", "comment", "folder", "log"])
def test_what_cannot_stand_in_a_directive_is_refused(field: str, text: str) -> None:
    if field in ("folder", "log"):
        value = Path("/", text) if text else Path("relative\n")
    else:
        value = text
    with pytest.raises(ValueError, match="cannot be"):
        batch_script(replace(REQUEST, **{field: value}))


@pytest.mark.parametrize("log", ["run.log", "/a\\b/run.log"])
def test_a_log_that_sbatch_would_write_elsewhere_is_refused(log: str) -> None:
    with pytest.raises(ValueError, match="cannot be a job's log: give an absolute path without a backslash"):
        batch_script(replace(REQUEST, log=Path(log)))


@pytest.mark.parametrize("line", ["echo a\r\necho b", "echo a\0"])
def test_a_script_that_sbatch_would_refuse_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="which sbatch would refuse"):
        batch_script(replace(REQUEST, set_up=(line,)))


def test_set_up_lines_make_the_environment_as_they_stand(tmp_path: Path) -> None:
    lines = (
        "export A='b  c'",
        "# a comment",
        "",
        'if [ "$A" ]; then\n  export B="$A d"\nfi',
        'made() { echo "$UNSET$B"; }\nexport C=$(made | cat)',
        "cat <<END\nhere $A\nEND",
        "declare -x D=1; false || true",
    )
    command = (sys.executable, "-c", "import os; print([os.environ[name] for name in 'ABCD'])")
    ended = run(
        batch_script(replace(REQUEST, set_up=lines, python=sys.executable, main=for_one_run(tmp_path / "r.json", 60, command))), tmp_path
    )
    assert (ended.stdout, ended.stderr) == ("here b  c\n['b  c', 'b  c d', 'b  c d', '1']\n", "")


@pytest.mark.parametrize(
    "line", ["false", "module-of-nowhere load x", "echo 'open", "export A=1 \\", "if true; then", "source /no/such", "(exit 3)", ")"]
)
def test_a_set_up_line_that_fails_ends_the_job_and_is_named(tmp_path: Path, line: str) -> None:
    request = replace(REQUEST, set_up=("echo fine", line, "echo never"), python=sys.executable)
    ended = run(batch_script(request), tmp_path)
    assert (ended.returncode, ended.stdout) == (SET_UP_FAILED, "fine\n")
    assert ended.stderr.splitlines()[-1] == f"Line 2 of set_up failed: {line}"
    assert os.listdir(tmp_path) == ["job.sh"]


def test_a_python_that_is_not_there_fails_the_job(tmp_path: Path) -> None:
    ended = run(batch_script(replace(REQUEST, set_up=())), tmp_path)
    assert ended.returncode == 127
    assert "/env/bin/python: No such file or directory" in ended.stderr


def test_the_worker_does_not_load_modules_of_the_folder_where_it_starts(tmp_path: Path) -> None:
    for name in ("argparse.py", "json.py", "padocc_dagster.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the folder was loaded')")
    command = (sys.executable, "-P", "-c", "print('begun')")
    ended = run(
        batch_script(replace(REQUEST, set_up=(), python=sys.executable, main=for_one_run(tmp_path / "r.json", 60, command))), tmp_path
    )
    assert (ended.stdout, ended.stderr) == ("begun\n", "")


def test_the_words_that_bash_gets_are_those_of_the_request() -> None:
    last = batch_script(REQUEST).splitlines()[-1]
    assert shlex.split(last)[-len(REQUEST.main) :] == list(REQUEST.main)
