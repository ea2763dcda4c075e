"""What makes projects move on by themselves.

A phase is asked for once when it never ran, and again when what it builds on was made anew (a correction) by a run that did not make
the phase as well; both once all blocking checks upstream have passed. A project whose phase failed, or was cancelled, is left alone
until something upstream changes, or a person runs it.

Dagster's events say what changed; PADOCC's files have the last word (`PhaseIsDue`). So what somebody does with plain PADOCC in the
same working directory, successfully or not, is neither repeated nor fought.
"""

import os
import warnings
from pathlib import Path

import dagster as dg
from dagster import AutomationCondition as AC
from dagster._core.definitions.events import AssetKeyPartitionKey

from padocc_dagster.phase_assets import PHASE_OF
from padocc_dagster.pipeline.due import due_projects
from padocc_dagster.pipeline.layout import Workdir
from padocc_dagster.run_tags import FOLLOWED


class PhaseIsDue(dg.AutomationCondition[dg.AssetKey]):
    """Keeps the projects whose files in PADOCC say that the asset's phase may and should start.

    It stands last in its condition: only what everything else lets through is looked up. A class of our own is known to the code server
    alone, so the sensor evaluates there (`use_user_code_server`).
    """

    @property
    def name(self) -> str:
        return "phase is due"

    @property
    def requires_cursor(self) -> bool:
        return False

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        candidates = context.candidate_subset
        phase = PHASE_OF.get(context.key.to_user_string())
        if phase is None or candidates.is_empty:
            return dg.AutomationResult(context, candidates)
        due = due_projects(Workdir(Path(os.environ["WORKDIR"])), candidates.expensively_compute_partition_keys(), phase)
        partitions = {AssetKeyPartitionKey(context.key, key) for key in due}
        return dg.AutomationResult(context, context.asset_graph_view.get_asset_subset_from_asset_partitions(context.key, partitions))


_ready = (
    ~AC.any_deps_missing()
    & ~AC.in_progress()
    & ~AC.any_deps_in_progress()
    & ~AC.any_deps_match(AC.will_be_requested())
    & AC.all_deps_blocking_checks_passed()
)
_never_ran = AC.missing().newly_true().since(AC.newly_requested()) & ~AC.execution_failed()
_renewed_alone = AC.newly_updated() & ~AC.executed_with_root_target() & ~AC.all_new_updates_have_run_tags(tag_keys={FOLLOWED})
_upstream_renewed = AC.any_deps_match(_renewed_alone).since(AC.newly_requested())

when_upstream_is_ready = ((_never_ran | _upstream_renewed) & _ready & PhaseIsDue()).with_label("upstream is ready")

LOOK_SECONDS = 4  # the daemon looks every 5 s, and with 5 here it passes a sensor over that is a millisecond early: every 10 s

# a condition of our own can be evaluated in the code server only; the pin of dagster guards against changes of this beta
warnings.filterwarnings("ignore", message="Parameter `(use_user_code_server|owners)` of initializer", category=dg.BetaWarning)

automation_sensor = dg.AutomationConditionSensorDefinition(
    "phases",
    target=dg.AssetSelection.all(),
    emit_backfills=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=LOOK_SECONDS,
    use_user_code_server=True,
    description="Starts the next phase of every project that is ready for it.",
)
