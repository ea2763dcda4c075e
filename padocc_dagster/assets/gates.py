"""The gates between the phases: blocking checks, one result for each project, made by the step of the phase itself. Nothing downstream of
a check that has not passed runs, and a step whose check fails raises, so that its partition is red.

Every phase also reads its gate again from PADOCC's files before it starts, because a check does not bind a run that a person starts
downstream of it.
"""

import warnings
from typing import Any

import dagster as dg

from padocc_dagster.partitions import PHASE_ASSETS, PHASE_CHECKS, ROW, projects
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict

# one result for each project is what a gate needs; the pin of dagster in pyproject.toml guards against changes of this preview
warnings.filterwarnings("ignore", message="Parameter `owners` of initializer", category=dg.BetaWarning)
warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec", category=dg.PreviewWarning)


def gate(phase: str, description: str) -> dg.AssetCheckSpec:
    """The check of one phase."""
    asset, name = PHASE_ASSETS[phase], PHASE_CHECKS[phase]
    return dg.AssetCheckSpec(name, asset=asset, blocking=True, partitions_def=projects, description=description)


def gate_result(outcome: Outcome, **metadata: Any) -> dg.AssetCheckResult:
    """PADOCC's verdict as the result of the phase's check: `Warn` passes."""
    warned = outcome.verdict is Verdict.WARNED
    return dg.AssetCheckResult(
        asset_key=PHASE_ASSETS[outcome.phase],
        check_name=PHASE_CHECKS[outcome.phase],
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
        description=outcome.message or outcome.status,
        metadata={"status": outcome.status, ROW: outcome.row, **metadata},
    )
