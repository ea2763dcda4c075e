"""Every manual step has a name and a reason, also one from the launchpad."""

from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions.faultlist import FAULTLIST
from padocc_dagster.actions.redo import RESCAN
from padocc_dagster.actions.step import ManualStep
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
