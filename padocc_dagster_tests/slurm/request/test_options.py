"""Which options of sbatch a site may add, and what is said of the others."""

import os
import subprocess

import pytest

from padocc_dagster.slurm.request.options import KNOWN_OPTIONS, SET_BY_LAUNCHER, option_problems


def test_all_that_a_site_may_add_is_an_option_of_sbatch_and_not_the_launchers() -> None:
    assert not set(KNOWN_OPTIONS) & set(SET_BY_LAUNCHER)
    assert list(KNOWN_OPTIONS) == sorted(set(KNOWN_OPTIONS))
    manual = subprocess.run(["man", "--pager=cat", "sbatch"], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "200"})
    if manual.returncode or "--acctg-freq" not in manual.stdout:
        pytest.skip("sbatch's manual is not installed here")
    assert [name for name in (*KNOWN_OPTIONS, *SET_BY_LAUNCHER) if f"--{name}" not in manual.stdout] == []


def test_good_options_are_no_problem() -> None:
    good = {"constraint": "a&b", "nice": 10, "exclusive": True, "oversubscribe": False, "mail-type": "FAIL", "gres": "gpu:1"}
    assert option_problems(good) == []
    assert option_problems({"nice": True, "exclusive": "user", "licenses": "matlab@db:2", "reservation": False}) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("constrain", "a", "constrain is not an option of sbatch that can be given here. Did you mean constraint? Known are acctg-freq, "),
        ("mail_user", "a", "mail_user is not an option of sbatch that can be given here. Did you mean mail-user? "),
        ("--qos", "a", "--qos is not an option of sbatch that can be given here. Did you mean qos? "),
        ("C", "a", "C is not an option of sbatch that can be given here. Known are acctg-freq, "),
        (5, "a", "5 is not an option of sbatch that can be given here. Known are acctg-freq, "),
        ("time", "5", "time is set by the launcher: use time in its default_allocation, or the run tag slurm/time"),
        ("requeue", True, "requeue is set by the launcher: a run is repeated by Dagster's run retries"),
        ("constraint", True, "constraint is true, but it needs a value (`man sbatch`): write it"),
        ("constraint", None, "constraint is None: write text, a number, true or false"),
        ("constraint", ["a"], "constraint is ['a']: write text, a number, true or false"),
        ("constraint", "", "constraint: '' cannot be --constraint of a job: give "),
        ("constraint", "a\n#SBATCH --qos=x", "constraint: 'a\\n#SBATCH --qos=x' cannot be --constraint of a job: give "),
    ],
)
def test_an_option_that_cannot_be_given_is_told_in_a_sentence(name: str, value: object, sentence: str) -> None:
    problems = option_problems({"nice": 5, name: value, "licenses": "x"})
    assert len(problems) == 1 and problems[0].startswith(sentence)


def test_all_problems_are_told_at_once() -> None:
    assert len(option_problems({"time": 1, "tim": 2, "hint": True, "nice": 3})) == 3
