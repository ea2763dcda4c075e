"""The explanations as a page of the documentation: `python -m padocc_dagster.pipeline.remedies.page > docs/failures.md`."""

from padocc_dagster.pipeline.remedies import own, padocc
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy, written_out
from padocc_dagster.pipeline.workdir.layout import Project

EXAMPLE = Project("GROUP", "PROJECT")
HEAD = """# When a project stops: what it means, what to try

`padocc-dagster explain GROUP:PROJECT` shows all this for one project, with commands to paste: its state and why, what was done to
it, the end of the log, what differs from its sources. The same is in the metadata of the failed run and of its check, among
the events of the partition that failed, and by error class on the [board](board.md).
`padocc-dagster compare GROUP:PROJECT` shows what changed from an earlier version of a product.

Below, `recompute --aggregator K` is short for `padocc-dagster recompute GROUP:PROJECT --aggregator K -w WORKDIR --why "…"`. A command takes
many projects as well: `GROUP:*`, or those that stopped alike, as in `--group GROUP --error-class ConcatFatalError`; `--dry-run` shows what
it would do. `again` is `rescan`, `recompute` or `revalidate`, by the phase that stopped. Words in capitals are for you to fill in;
`explain` fills in what it knows, leaves out what was tried, and after a failed scan chooses a format by `edit --set cloud_format=…`, as
there is nothing to compute again. Letters before a status, as in `(V>K)AggregationError`, are PADOCC's: the aggregators that it had tried.

How a SLURM job can end, and what follows: [slurm.md](slurm.md#how-a-job-can-end).

This page is made from the code: `python -m padocc_dagster.pipeline.remedies.page > docs/failures.md`.
"""
SECTIONS = (
    ("PADOCC's error classes", padocc.CLASSES),
    ("What PADOCC's status log says besides", padocc.STATUSES),
    ("What this package finds", own.CLASSES),
    ("Errors of Python and of libraries", own.PYTHON),
    ("Processes that were ended", own.SIGNALS),
)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(title, table) for title, table in SECTIONS), _commands()])


def _section(title: str, table: dict[str, Explanation]) -> str:
    rows = [f"| `{name}` | {explanation.meaning} | {_short(explanation)} |" for name, explanation in table.items()]
    return "\n".join([f"## {title}", "", "| status or class | meaning | what to try |", "|---|---|---|", *rows, ""])


def _short(explanation: Explanation) -> str:
    return ", ".join(f"`{_command(remedy)}`" for remedy in explanation.remedies) or "nothing"


def _commands() -> str:
    """Every command once, with what it does."""
    found: dict[str, str] = {}
    for _, table in SECTIONS:
        for explanation in table.values():
            for remedy in explanation.remedies:
                found.setdefault(_command(remedy), remedy.sentence)
    rows = [f"| `{command}` | {sentence} |" for command, sentence in sorted(found.items())]
    return "\n".join(["## The commands", "", "| `padocc-dagster …` | to |", "|---|---|", *rows, ""])


def _command(remedy: Remedy) -> str:
    """The command without the program, the project, and what every command takes."""
    words = written_out(remedy, EXAMPLE, known={"again": "again"}).partition(" --why ")[0].removeprefix("padocc-dagster ")
    return words.replace(f" {EXAMPLE}", "").replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
