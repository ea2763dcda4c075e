"""A group config as CSV, column by column as PADOCC reads it (`padocc/groups/mixins/initialisation.py:207`).

    project code, pattern or file list, updates, removals, variables...

A header line is optional. Blank lines and lines that begin with `#` are skipped; a field with a comma is put in double quotes.
Each entry is one line, so a quote that is left open cannot swallow the projects below it.
"""

import csv
import re
from typing import Any

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.validation import Loc, Part

HEADERS = ("proj_code", "project_code", "project", "code")
COLUMNS = ("code", "pattern", "updates", "removals")
SPACE_AFTER_QUOTE = re.compile(r'"[ \t]+(?=,|$)')


def read_csv(text: str, findings: Findings) -> Part:
    """The config: a mapping with the field `projects`. All fields of a project are on one line."""
    _, rows = _parsed(text, findings)
    filled = [(line, cells) for line, cells in rows if any(cells)]
    lines: dict[Loc, int] = {("projects", number): line for number, (line, _) in enumerate(filled)}
    return Part({"projects": [fields_of_row(cells) for _, cells in filled]}, lines)


def rows_of(text: str) -> tuple[int, set[int]]:
    """The line of the header, 0 without one, and the lines of all other rows, also of those that cannot be parsed."""
    findings = Findings()
    header, rows = _parsed(text, findings)
    return header, {line for line, cells in rows if any(cells)} | {
        each.line for each in findings.problems if each.line not in (None, header)
    }


def _parsed(text: str, findings: Findings) -> tuple[int, list[tuple[int, list[str]]]]:
    """The line of the header, 0 without one, and the cells of each other row with its line."""
    rows = []
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        try:
            cells = next(csv.reader([SPACE_AFTER_QUOTE.sub('"', row.strip())], skipinitialspace=True, strict=True))
        except csv.Error as error:
            findings.add(line, f'the quotes of this line do not match ({error}): put a whole field in double quotes, "like,this"')
            continue
        rows.append((line, [cell.strip() for cell in cells]))
    header = rows.pop(0)[0] if rows and is_header(*rows[0], findings) else 0
    return header, rows


def is_header(line: int, cells: list[str], findings: Findings) -> bool:
    """Whether the first row names the columns. PADOCC takes columns by place, so a header in another order is a problem."""
    names = [re.sub(r"[ \-]+", "_", cell.lower()) for cell in cells]
    if "proj_code" in names[1:]:
        columns = "the columns are project code, pattern, updates, removals, variables, in this order"
        findings.add(line, f"the header has 'proj_code' in another place than the first: {columns}")
        return True
    return names[0] in HEADERS and not any("/" in cell for cell in cells[1:2])


def fields_of_row(cells: list[str]) -> dict[str, Any]:
    """One row as the fields of a project; empty cells are fields that are not given."""
    fields: dict[str, Any] = {name: cell for name, cell in zip(COLUMNS, cells, strict=False) if cell}
    variables = [cell for cell in cells[len(COLUMNS) :] if cell]
    return {**fields, "variables": variables} if variables else fields
