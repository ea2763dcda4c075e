"""The projects of a group by phase, as a picture that Dagster shows at once: Markdown of 1000 characters is hidden behind a button."""

import base64
from collections.abc import Sequence

from padocc_dagster.pipeline.board import Facts
from padocc_dagster.pipeline.workdir.outcome import PHASES

KEY = "green: passed, yellow: warned, red: stopped, blue: under way"
COLOURS = {"further": "#bdb", "ok": "#2a5", "warned": "#db3", "failed": "#c43", "skipped": "#c43", "under way": "#47a", "new": "#47a"}
LEFT, WIDTH, ROW = 90, 350, 20
"""Pixels: where the bars begin, how long they are at most, and the height of a row."""


def bars(facts: Sequence[Facts]) -> str:
    """A bar for each phase, as a Markdown image: how many passed it and are further, and how it ended for the others."""
    drawn: dict[str, str] = {}
    labels = []
    for number, phase in enumerate(PHASES):
        here = [each for each in facts if each.state.phase == phase]
        passed = sum(phase in each.passed for each in facts)
        ends = {colour: sum(COLOURS[each.state.outcome] == colour for each in here) for colour in dict.fromkeys(COLOURS.values())}
        ends[COLOURS["further"]] = sum(phase in each.passed for each in facts if each.state.phase != phase)
        labels.append(f'<text y="{number * ROW + 14}">{phase} {passed}</text>')
        x = LEFT
        for colour, count in ends.items():
            length = round(WIDTH * count / len(facts)) if facts else 0
            if length:
                drawn[colour] = drawn.get(colour, "") + f"M{x} {number * ROW + 10}h{length}"
            x += length
    paths = "".join(f'<path stroke="{colour}" d="{path}"/>' for colour, path in drawn.items())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="450" height="{ROW * len(PHASES)}" style="font:12px Arial"'
    picture = f'{head} fill="#888" stroke-width="14">{"".join(labels)}{paths}</svg>'
    return f"![projects by phase](data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()})\n\n{KEY}"
