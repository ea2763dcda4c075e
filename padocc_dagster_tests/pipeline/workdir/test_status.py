"""The status log as a history: what PADOCC's words mean, when a gate is open, and how fast many are read."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.events import PhaseEnded
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.status import (
    StatusRow,
    append_row,
    gate_problem,
    passed_phases,
    project_state,
    read_rows,
    verdict_of,
)

VERDICTS = {
    Verdict.OK: ["Success", "(V>K)Success", "(K)Success", "(X)Success", "(PVK)Success", "(P>VK)Success"],
    Verdict.WARNED: ["(V>K)Warn-global_tracking_id_not_equal", "(K)Warn-bypassed", "Warn-all_dims_order", "(X)Warn-growbox"],
    Verdict.FAILED: ["(V>K)Fatal-size_errors", "Failed-https", "(PVK)Failed-ValueError", "Failed-zarr.errors.GroupNotFoundError"]
    + ["ConcatFatalError", "(PVK)MissingDataError", "JobCancelled", "Failed-SIGKILL", "", "Fatal", "Succes"],
    Verdict.SKIPPED: ["Skipped"],
    None: ["Pending", "SubsetDeployed", "Redo"],
}


@pytest.mark.parametrize(("status", "verdict"), [(status, verdict) for verdict, all_of in VERDICTS.items() for status in all_of])
def test_padoccs_status_words_have_their_verdict(status: str, verdict: Verdict | None) -> None:
    assert verdict_of(status) is verdict


def history(text: str) -> list[StatusRow]:
    return [StatusRow(*entry.split("="), None, "") for entry in text.split()]


GATES = [
    ("init=Success", "init", True),
    ("", "init", False),
    ("init=Success", "scan", False),
    ("init=Success scan=Success", "scan", True),
    ("init=Success scan=Failed-X", "scan", False),
    ("init=Success scan=Failed-X scan=Success", "scan", True),
    ("init=Success scan=Success scan=JobCancelled", "scan", False),
    ("init=Success scan=Success init=Success", "scan", False),
    ("init=Success scan=Success compute=Success", "scan", True),
    ("init=Success scan=Success compute=Success scan=Success", "compute", False),
    ("init=Success scan=Success compute=Pending", "compute", False),
    ("init=Success scan=Success compute=Skipped", "compute", False),
    ("init=Success scan=Success compute=Success validate=(V>K)Warn-x", "validate", True),
    ("init=Success scan=Success compute=Success validate=(V>K)Fatal-size_errors", "validate", False),
    ("init=Success scan=Success compute=Success validate=(K)Success complete=Success", "validate", True),
    ("init=Success scan=Success compute=Success validate=(K)Success compute=Success", "validate", False),
]


@pytest.mark.parametrize(("text", "needed", "is_open"), GATES)
def test_a_gate_is_open_when_the_newest_end_up_to_it_passed(text: str, needed: str, is_open: bool) -> None:
    problem = gate_problem(history(text), needed)
    assert (problem is None) == is_open
    assert is_open or problem.startswith((needed, *(row.phase for row in history(text))))


def test_an_early_phase_done_again_takes_the_later_ones_back() -> None:
    assert passed_phases(history("init=Success scan=Success compute=Success validate=Success scan=Success")) == {"init", "scan"}


def test_a_row_is_written_as_padocc_writes_it_and_padocc_reads_it(tmp_path: Path) -> None:
    from padocc.core.filehandlers import CSVFileHandler

    log = tmp_path / "status_log.csv"
    append_row(log, "init", "Success")
    append_row(log, "scan", "Failed-a,b\nc", "7-1")
    assert not log.read_text().endswith("\n")
    assert abs((datetime.now() - read_rows(log)[0].time).total_seconds()) < 120
    assert read_rows(log)[1][:2] == ("scan", "Failed-a.b.c")
    handler = CSVFileHandler(str(tmp_path), "status_log")
    assert handler[-1].split(",")[:2] == ["scan", "Failed-a.b.c"]
    handler.update_status("compute", "Success", jobid="0")
    handler.save()
    assert [(row.phase, row.jobid) for row in read_rows(log)] == [("init", ""), ("scan", "7-1"), ("compute", "0")]


def test_the_states_of_ten_thousand_projects_are_read_within_seconds(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    projects = [Project("grp", f"p{number}") for number in range(10_000)]
    for number, project in enumerate(projects):
        workdir.project_dir(project).mkdir(parents=True)
        end = "Success" if number % 3 else "(PVK)Failed-ValueError"
        rows = ["init,Success,10:00 01/02/26,", "scan,Success,10:01 01/02/26,0", f"compute,{end},10:02 01/02/26,0"]
        workdir.status_log(project).write_text("\n".join(rows))
        if not number % 6:  # a run of ours, with what it recorded
            outcome = Outcome("compute", Verdict.FAILED, end, "ValueError", f"number {number}", log_tail=("a line of the log",) * 30)
            line = PhaseEnded.of(project, outcome, "a run", len(rows)).model_dump_json()
            workdir.events(project).parent.mkdir()
            workdir.events(project).write_text(f"{line}\n{line}\n")
    begun = time.process_time()
    states = [project_state(workdir, project) for project in projects]
    assert time.process_time() - begun < 3
    assert sum(state.verdict is Verdict.FAILED for state in states) == 3334
    assert states[0].since == datetime(2026, 2, 1, 10, 2)
    assert (states[6].why, states[3].why) == ("ValueError: number 6", "(PVK)Failed-ValueError")


@pytest.mark.parametrize("cut", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_no_line_break_that_python_knows_cuts_a_row(cut: str, tmp_path: Path) -> None:
    log = tmp_path / "status_log.csv"
    append_row(log, "validate", f"Warn-ticked by ada{cut}complete", f"7{cut}complete")
    append_row(log, "complete", "Success")
    assert [row.phase for row in read_rows(log)] == ["validate", "complete"]
    assert "complete" in read_rows(log)[0].status
