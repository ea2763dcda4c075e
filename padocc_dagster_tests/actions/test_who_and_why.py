"""Every manual step has a name and a reason, also one from the launchpad; a name that was only typed is marked."""

from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions.faultlist import FAULTLIST
from padocc_dagster.actions.redo import RESCAN
from padocc_dagster.actions.step import ManualStep, signature
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster_tests.actions.results import every_file, failure, run
from padocc_dagster_tests.pipeline.standing import SCANNED, standing


@pytest.mark.parametrize("step", [FAULTLIST, RESCAN], ids=lambda step: step.job)
@pytest.mark.parametrize("blank", [{"who": ""}, {"who": " "}, {"why": ""}, {"why": " \t"}], ids=str)
def test_a_step_of_the_launchpad_with_a_blank_name_or_reason_is_refused_with_a_sentence(
    tmp_path: Path, step: ManualStep, blank: dict[str, str]
) -> None:
    workdir = standing(tmp_path, {"a": {"one": SCANNED}})
    before = every_file(workdir)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(instance, workdir, step, projects=["a:one"], **blank)
        assert not result.success
        assert f"{next(iter(blank))} is blank: give" in str(failure(result).description)
    assert every_file(workdir) == before


@pytest.mark.parametrize(
    ("typed", "proven", "recorded"),
    [
        ("Ada", "", "Ada (typed)"),
        ("ada", "ada", "ada"),
        ("Ada", "padocc", "padocc (typed: Ada)"),
        ("eve (typed: ada)", "", "eve (typed: ada) (typed)"),
    ],
)
def test_a_name_that_was_only_typed_is_marked_as_such(typed: str, proven: str, recorded: str) -> None:
    assert signature(typed, proven) == recorded


@pytest.mark.parametrize(
    ("user", "typed", "recorded"),
    [("ada", "YOUR NAME", "ada"), ("ada", "Eve", "ada (typed: Eve)"), ("", "Eve", "Eve (typed)")],
)
def test_a_step_of_the_launchpad_records_the_login_of_the_user_and_what_was_typed(
    tmp_path: Path, user: str, typed: str, recorded: str
) -> None:
    workdir = standing(tmp_path, {"a": {"one": SCANNED}})
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(instance, workdir, RESCAN, user=user, projects=["a:one"], who=typed).success
    (entry,) = history_of(workdir, Project("a", "one"))
    assert entry.who == recorded
