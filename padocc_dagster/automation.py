"""What makes projects move on by themselves.

A phase is asked for once when it never ran, and again when what it builds on was made anew (a correction) by a run that did not make
the phase as well; both once all blocking checks upstream have passed. A project whose phase failed, or was cancelled, is left alone
until something upstream changes, or a person runs it.
"""

import dagster as dg
from dagster import AutomationCondition as AC

_ready = (
    ~AC.any_deps_missing()
    & ~AC.in_progress()
    & ~AC.any_deps_in_progress()
    & ~AC.any_deps_match(AC.will_be_requested())
    & AC.all_deps_blocking_checks_passed()
)
_never_ran = AC.missing().newly_true().since(AC.newly_requested()) & ~AC.execution_failed()
_upstream_renewed = AC.any_deps_match(AC.newly_updated() & ~AC.executed_with_root_target()).since(AC.newly_requested())

when_upstream_is_ready = ((_never_ran | _upstream_renewed) & _ready).with_label("upstream is ready")

automation_sensor = dg.AutomationConditionSensorDefinition(
    "phases",
    target=dg.AssetSelection.all(),
    emit_backfills=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=5,
    description="Starts the next phase of every project that is ready for it.",
)
