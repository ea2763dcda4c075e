"""Every remedy offered for the cases from the field, carried out by its command: afterwards the project is published, or gets further.

Left out are commands that only read, and those that give the project up. What a command leaves to the person who pastes it (a reason, a
pattern, a file replaced) is in `Case`.
"""

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.pipeline.remedies.words import BY_EYE, READING
from padocc_dagster.pipeline.steps.explained import explained
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import PhaseRequested
from padocc_dagster_tests.pipeline.cases import base, name, project_of
from padocc_dagster_tests.pipeline.projects import Made

GIVES_UP = ("faultlist", "remove")
PHASES = ("scan", "compute", "verify", "validate", "publish")
FROM = {"edit": "scan", "rescan": "scan", "recompute": "compute", "revalidate": "validate", "tick": "publish"}
PUBLISHED = "published"


def nothing(made: Made) -> None:
    """What a person does besides the command."""


def filled(made: Made) -> None:
    """The empty file, replaced by one with values."""
    base(made.root / "sources" / name(1), 4, 4).close()


@dataclass(frozen=True)
class Case:
    """A project that stops, and what a person adds to the remedies."""

    case: str
    form: str
    stops: str
    """The error class it stops with."""
    offered: int
    """How many remedies are carried out."""
    pattern: str = ""
    """Below the folder of sources: what is written where a remedy says to edit the pattern."""
    beside: dict[str, Callable[[Made], None]] = field(default_factory=dict)
    """Command → what is done besides it."""
    ends: dict[str, str] = field(default_factory=dict)
    """A word of a command → how the project ends where that is not its publication: another true refusal."""


CASES = (
    Case("a1_one_without_shuffle", "kerchunk", "DifferingEncodingError", 2),
    Case("e2_units_differ", "CFA", "ProductDiffersFromSource", 2),
    Case("e7_packing_differs", "kerchunk", "DifferingPackingError", 2),
    Case("e7_packing_differs", "zarr", "DifferingPackingError", 2),
    Case("e8_two_missing_values", "zarr", "ConflictingMissingValuesError", 2),
    Case("e11_one_without_steps", "kerchunk", "EmptySourceError", 2, pattern="f_00[02].nc", beside={"rescan": filled}),
    Case("e12_szip", "kerchunk", "UnsupportedFilterError", 2),
    Case("e12_scaleoffset", "kerchunk", "UnsupportedFilterError", 2),
    Case("e12_fletcher32", "kerchunk", "UnsupportedFilterError", 2),
    Case("e14_link_beside_versions", "CFA", "SourcesOverlapError", 1, pattern="*_latest.nc"),
    Case("e14_link_beside_versions", "kerchunk", "SourcesOverlapError", 1, pattern="*_latest.nc"),
)


def through(made: Made, begin: str, **choices: Any) -> str:
    """Run the phases from one on. Returns `published`, or the error class at which they stop."""
    for phase in PHASES[PHASES.index(begin) :]:
        if phase == "verify":
            if not made.verified()["passed"]:
                return "ProductDiffersFromSource"
            continue
        outcome = made.run(phase, **(choices if phase == "compute" else {}))
        if not outcome.passed:
            return outcome.error_class or outcome.status
    return PUBLISHED


def remedies(made: Made) -> Iterator[list[str]]:
    """The words of each command that changes something and does not give up."""
    for _, command in explained(made.workdir, made.project).remedies:
        words = shlex.split(command)[1:]
        if words[0] not in (*READING, *GIVES_UP):
            yield words


def choices_of(made: Made) -> dict[str, Any]:
    """The options of the computation that the command requested."""
    requests = [event for event in events_of(made.workdir, made.project) if isinstance(event, PhaseRequested)]
    return requests[-1].choices if requests else {}


def carried_out(made: Made, words: list[str], case: Case) -> None:
    """Run the command, with what a person fills in."""
    words = [f"pattern={made.root / 'sources' / case.pattern}" if word.startswith("pattern=") else word for word in words]
    words = ["a look at the differences" if word == BY_EYE else word for word in words]
    case.beside.get(words[0], nothing)(made)
    result = CliRunner().invoke(app, [*words, "--who", "ada"], catch_exceptions=False)
    assert result.exit_code == 0, (words, result.output)


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Case, str], Made]:
    """A project of the case that has just stopped."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("WORKDIR", os.environ.get("WORKDIR", ""))

    def make(case: Case, folder: str) -> Made:
        made = project_of(tmp_path / folder, case.case, cloud_format=case.form)
        assert through(made, "scan") == case.stops
        return made

    return make


@pytest.mark.parametrize("form", ["kerchunk", "zarr", "CFA"])
def test_the_remedy_for_a_coordinate_that_differs_in_its_last_digits_works(stopped: Callable[[Case, str], Made], form: str) -> None:
    case = Case("e6_latitudes_differ_a_little", form, "DifferingCoordinateError", 1)
    made = stopped(case, "made")
    (words,) = remedies(made)
    assert "identical_dims=[lat]" in words
    carried_out(made, words, case)
    made.through("scan", "compute", "validate")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.case}-{case.form}")
def test_every_remedy_offered_brings_the_project_further(stopped: Callable[[Case, str], Made], case: Case) -> None:
    offered = list(remedies(stopped(case, "offered")))
    assert len(offered) == case.offered, offered
    for number in range(len(offered)):
        made = stopped(case, str(number))
        words = list(remedies(made))[number]
        carried_out(made, words, case)
        choices = choices_of(made) if words[0] == "recompute" else {}
        expected = next((end for word, end in case.ends.items() if word in words), PUBLISHED)
        assert through(made, FROM[words[0]], **choices) == expected, words
