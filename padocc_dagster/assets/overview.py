"""The group at a glance: how many of its projects are in which phase, for each that stopped why and what to do, and what runs requested
and used."""

import base64
import io
from collections import Counter

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.remedies import remedy_for, written_out
from padocc_dagster.pipeline.running.learning import learn, pasts_of
from padocc_dagster.pipeline.running.usage import COLUMNS as USED
from padocc_dagster.pipeline.running.usage import usage_rows
from padocc_dagster.pipeline.workdir.groups import group_states
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict
from padocc_dagster.pipeline.workdir.selections import summary
from padocc_dagster.pipeline.workdir.status import ProjectState
from padocc_dagster.resources import Padocc

COLUMNS = ("project", "phase", "outcome", "since", "why", "what it means", "what to do", "command")
STOPPED_SHOWN = 1000
COLOURS = {Verdict.OK: "#2a9d5c", Verdict.WARNED: "#e9b44c", Verdict.FAILED: "#c8443c", Verdict.SKIPPED: "#b0b0b0", None: "#4c78a8"}


@dg.asset(partitions_def=groups, deps=[subsets], kinds={"table"}, description=__doc__, **SHARED)
def group_overview(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
    group = context.partition_key
    states = group_states(padocc.workdir, group)
    stopped = {code: state for code, state in states.items() if state.verdict in (Verdict.FAILED, Verdict.SKIPPED)}
    records = [_record(Project(group, code), state) for code, state in list(stopped.items())[:STOPPED_SHOWN]]
    pasts = pasts_of(padocc.workdir, group)
    learn(padocc.workdir, group, pasts)
    used = [dg.TableRecord(dict(row)) for row in usage_rows(pasts.values())]
    used_table = dg.MetadataValue.table(used, dg.TableSchema([dg.TableColumn(name) for name in USED]))
    return dg.MaterializeResult(
        metadata={
            "projects": len(states),
            "stopped": len(stopped),
            **summary(padocc.workdir, group),
            "picture": dg.MetadataValue.md(picture(states)),
            **({"requested and used": used_table} if used else {}),
            "stopped projects": dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in COLUMNS])),
        }
    )


def picture(states: dict[str, ProjectState]) -> str:
    """A bar for each phase, as a Markdown image: its length is the number of projects in it, its colours how it ended."""
    from matplotlib.figure import Figure

    counts = Counter((state.phase, state.verdict) for state in states.values())
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    axes = figure.subplots()
    for verdict, colour in COLOURS.items():
        before = [sum(counts[phase, other] for other in _until(verdict)) for phase in PHASES]
        axes.barh(PHASES, [counts[phase, verdict] for phase in PHASES], left=before, color=colour, label=verdict or "under way")
    axes.invert_yaxis()
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # of MaxNLocator, which a linear axis has
    axes.set_xlabel("projects")
    figure.legend(loc="outside right upper", frameon=False)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=90)
    return f"![projects by phase and outcome](data:image/png;base64,{base64.b64encode(image.getvalue()).decode()})"


def _until(verdict: Verdict | None) -> list[Verdict | None]:
    """The verdicts drawn before this one."""
    drawn = list(COLOURS)
    return drawn[: drawn.index(verdict)]


def _record(project: Project, state: ProjectState) -> dg.TableRecord:
    """What stopped, with the remedies in words and the command of the first; `padocc-dagster explain` has all of them."""
    error_class = "Faultlisted" if state.faultlisted is not None else state.error_class or state.status
    explanation = remedy_for(error_class)
    command = written_out(explanation.remedies[0], project, state.phase, error_class) if explanation.remedies else ""
    row = (project.code, state.phase, str(state.verdict), str(state.since or ""), state.why[:500])
    return dg.TableRecord(dict(zip(COLUMNS, (*row, explanation.meaning, explanation.advice, command), strict=True)))
