"""What makes projects move on by themselves.

A phase runs for a project when it never ran, or when what it builds on was made anew (a correction), once all blocking checks
upstream have passed. A project whose phase failed is left alone until something upstream changes, or a person runs it.
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
_never_ran = AC.missing() & ~AC.execution_failed()
_upstream_renewed = AC.any_deps_match(AC.newly_updated()).since(AC.newly_requested())

when_upstream_is_ready = ((_never_ran | _upstream_renewed) & _ready).with_label("upstream is ready")

automation_sensor = dg.AutomationConditionSensorDefinition(
    "phases",
    target=dg.AssetSelection.all(),
    emit_backfills=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=5,
    description="Starts the next phase of every project that is ready for it.",
)
