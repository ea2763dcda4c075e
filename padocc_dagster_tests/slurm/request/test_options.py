"""Which options of sbatch a site may add, and what is said of the others."""

import os
import re
import subprocess

import pytest

from padocc_dagster.slurm.request.options import SET_BY_LAUNCHER, option_problems


def test_all_that_the_launcher_sets_is_an_option_of_sbatch() -> None:
    manual = subprocess.run(["man", "--pager=cat", "sbatch"], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "200"})
    if manual.returncode or "--acctg-freq" not in manual.stdout:
        pytest.skip("sbatch's manual is not installed here")
    assert [name for name in SET_BY_LAUNCHER if f"--{name}" not in manual.stdout] == []


def test_every_other_option_of_sbatch_can_be_given() -> None:
    manual = subprocess.run(["man", "--pager=cat", "sbatch"], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "200"})
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z][a-z0-9-]+)", manual.stdout, re.MULTILINE)) - set(SET_BY_LAUNCHER)
    if manual.returncode or len(options) < 50:
        pytest.skip("sbatch's manual is not installed here")
    assert option_problems(dict.fromkeys(options, "a")) == []


def test_good_options_are_no_problem() -> None:
    good = {"constraint": "a&b", "nice": 10, "exclusive": True, "oversubscribe": False, "mail-type": "FAIL", "gres": "gpu:1"}
    assert option_problems(good) == []
    assert option_problems({"nice": True, "exclusive": "user", "licenses": "matlab@db:2", "reservation": False}) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("mail_user", "a", "mail_user is not a long option of sbatch: write its name as in `man sbatch`, without the dashes in front"),
        ("--qos", "a", "--qos is not a long option of sbatch: "),
        ("C", "a", "C is not a long option of sbatch: "),
        (5, "a", "5 is not a long option of sbatch: "),
        ("outp", "a", "outp is short for output, which the launcher sets: "),
        ("ntask", 2, "ntask is short for ntasks or ntasks-per-core or "),
        ("time", "5", "time is set by the launcher: use time in its default_allocation, or the run tag slurm/time"),
        ("requeue", True, "requeue is set by the launcher: Dagster's run retries do this"),
        ("constraint", None, "constraint is None: write text, a number, true or false"),
        ("constraint", ["a"], "constraint is ['a']: write text, a number, true or false"),
        ("constraint", "", "constraint: '' cannot be --constraint of a job: give "),
        ("constraint", "a\n#SBATCH --qos=x", "constraint: 'a\\n#SBATCH --qos=x' cannot be --constraint of a job: give "),
    ],
)
def test_an_option_that_cannot_be_given_is_reported_in_a_sentence(name: str, value: object, sentence: str) -> None:
    problems = option_problems({"nice": 5, name: value, "licenses": "x"})
    assert len(problems) == 1 and problems[0].startswith(sentence)


def test_all_problems_are_reported_at_once() -> None:
    assert len(option_problems({"time": 1, "tim": 2, "hint": [], "nice": 3})) == 3
