"""The group at a glance: how many of its projects stand where, and for each that stopped why and what to do."""

from collections import Counter

import dagster as dg

from padocc_dagster.assets import GROUPS_GROUP, TEAM
from padocc_dagster.assets.subsets import SUBSETS
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.groups import project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import PHASES, Verdict
from padocc_dagster.pipeline.remedies import remedy_for
from padocc_dagster.pipeline.status import ProjectState, project_state
from padocc_dagster.resources import Padocc

COLUMNS = ("project", "phase", "outcome", "since", "why", "what to do")
STOPPED_SHOWN = 1000
BLOCKS = {Verdict.OK: "🟩", Verdict.WARNED: "🟨", Verdict.FAILED: "🟥", Verdict.SKIPPED: "⬜", None: "🟦"}
BAR_BLOCKS = 40


@dg.asset(partitions_def=groups, deps=list(SUBSETS), group_name=GROUPS_GROUP, owners=[TEAM], kinds={"table"}, description=__doc__)
def group_overview(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    group = context.partition_key
    states = read_states(padocc.workdir, group)
    stopped = {code: state for code, state in states.items() if state.verdict is Verdict.FAILED}
    records = [_record(code, state) for code, state in list(stopped.items())[:STOPPED_SHOWN]]
    return dg.MaterializeResult(
        metadata={
            "projects": len(states),
            "stopped": len(stopped),
            "picture": dg.MetadataValue.md(picture(states)),
            "stopped projects": dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in COLUMNS])),
        }
    )


def read_states(workdir: Workdir, group: str) -> dict[str, ProjectState]:
    """Where every project of the group stands."""
    return {code: project_state(workdir, Project(group, code)) for code in project_codes(workdir, group)}


def picture(states: dict[str, ProjectState]) -> str:
    """A bar for each phase, as Markdown: its length is how many projects stand there, its colours how that ended."""
    counts = Counter((state.phase, state.verdict) for state in states.values())
    largest = max((sum(n for (phase, _), n in counts.items() if phase == wanted) for wanted in PHASES), default=0) or 1
    lines = ["| phase | | projects |", "|---|---|---|"]
    for phase in PHASES:
        here = {verdict: counts[phase, verdict] for verdict in BLOCKS if counts[phase, verdict]}
        bar = "".join(BLOCKS[verdict] * max(1, round(BAR_BLOCKS * count / largest)) for verdict, count in here.items())
        words = ", ".join(f"{count} {verdict or 'under way'}" for verdict, count in here.items())
        lines.append(f"| {phase} | {bar} | {words or 0} |")
    return "\n".join(lines)


def _record(code: str, state: ProjectState) -> dg.TableRecord:
    error_class = state.why.split(":")[0]
    row = (code, state.phase, str(state.verdict), str(state.since or ""), state.why[:500], remedy_for(error_class).advice)
    return dg.TableRecord(dict(zip(COLUMNS, row, strict=True)))
