"""The page: what is known of the group, filled into `board.html.j2`.

Everything that comes from files is escaped by the template engine, and the page's own policy lets no script run but `board.js`.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padocc_dagster.pipeline.board.drawings import marks, requested_and_used, timeline
from padocc_dagster.pipeline.board.facts import PLACES, Facts, counted
from padocc_dagster.pipeline.board.failures import failures_of
from padocc_dagster.pipeline.board.portraits import Portrait, portraits
from padocc_dagster.pipeline.running.forecast import Forecast
from padocc_dagster.pipeline.running.usage import COLUMNS, usage_rows
from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict
from padocc_dagster.pipeline.workdir.sources import readable_size

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
OUTCOMES = (*(verdict.value for verdict in Verdict), "under way", "new")
WHY_LENGTH = 200
PICTURES = 27
FAILURES = 50
EXAMPLES = 8


def write_board(workdir: Workdir, group: str, facts: Sequence[Facts], forecast: Forecast, path: Path | None = None) -> Path:
    """Write the group's page to `path`, or else beside the group, in one step; returns where it is. Raises OSError when it cannot be."""
    target = path or workdir.board(group)
    text = page(workdir, group, facts, forecast)
    write_text(target, text.encode("utf-8", "replace").decode("utf-8"))  # JSON can hold what UTF-8 cannot
    return target


def page(workdir: Workdir, group: str, facts: Sequence[Facts], forecast: Forecast) -> str:
    """The whole page as text."""
    shown, failures = _shown(portraits(workdir, group), facts), failures_of(workdir, group, facts)
    script = (HERE / "board.js").read_text(encoding="utf-8")
    template = _environment().get_template("board.html.j2")
    return template.render(
        group=group,
        root=f"{workdir.root}/",
        now=datetime.now().astimezone(),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=(HERE / "board.css").read_text(encoding="utf-8"),
        land=(HERE / "land.txt").read_text(encoding="ascii"),
        facts=facts,
        counts=counted(facts),
        places=PLACES,
        outcomes=OUTCOMES,
        funnel=funnel(facts),
        bytes_read=sum(each.source_bytes for each in facts),
        bytes_made=sum(each.product_bytes for each in facts),
        forecast=forecast,
        failures=failures[:FAILURES],
        failures_left=len(failures) - FAILURES,
        timeline=timeline(facts),
        chart=requested_and_used(facts),
        used=usage_rows(each.past for each in facts),
        used_columns=COLUMNS,
        marks=marks(shown),
        pictures=[portrait for portrait in shown if portrait.png][:PICTURES],
    )


def funnel(facts: Sequence[Facts]) -> list[dict[str, Any]]:
    """For each phase: how many projects have passed it, and of those whose last phase it is, how many ended how."""
    return [
        {
            "phase": phase,
            "passed": sum(phase in each.passed for each in facts),
            "outcomes": {
                outcome: number
                for outcome in OUTCOMES
                if (number := sum((each.state.phase, each.state.outcome) == (phase, outcome) for each in facts))
            },
        }
        for phase in PHASES
    ]


def duration(seconds: float) -> str:
    """A time as `40 s`, `25 min`, `7.5 h` or `3.2 days`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (2 * 86400, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.2g} {name}" if seconds < 10 * unit else f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.2g} days"


def _shown(pictured: dict[str, Portrait], facts: Sequence[Facts]) -> list[Portrait]:
    """The portraits of products that are published now, those published last first."""
    newest = sorted((each for each in facts if each.published), key=lambda each: each.ended.get("complete", datetime.min), reverse=True)
    return [pictured[each.published.name] for each in newest if each.published and each.published.name in pictured]


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"size": readable_size, "duration": duration, "short": _short}
    return environment


def _short(text: str) -> str:
    """The text without line breaks, and not longer than a few lines of a table."""
    line = " ".join(text.split())
    return line if len(line) <= WHY_LENGTH else f"{line[: WHY_LENGTH - 2]} …"
