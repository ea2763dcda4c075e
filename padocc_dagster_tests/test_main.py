"""What a test run repeats: the files of live tests, where none but those failed."""

from pathlib import Path

import pytest

from padocc_dagster_tests import __main__ as tests

LIVE, UNIT = "padocc_dagster_tests.slurm.live.test_ends", "padocc_dagster_tests.test_main.SomeClass"
CASE = '<testcase classname="{}" name="test_x"><failure message="assert 0&#10;more"/></testcase>'


@pytest.mark.parametrize(
    ("failing", "repeated", "status"),
    [
        ([], [], 0),
        ([LIVE], ["-n", "1", "padocc_dagster_tests/slurm/live/test_ends.py"], 0),
        ([LIVE, UNIT], [], 1),
        ([UNIT], [], 1),
    ],
)
def test_a_file_of_live_tests_is_run_once_more_where_no_other_test_failed(
    failing: list[str], repeated: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    report, runs = tmp_path / "report.xml", []
    report.write_text(f"<testsuite>{''.join(CASE.format(name) for name in failing)}</testsuite>")

    def pretended(arguments: list[str]) -> int:
        runs.append(arguments)
        return int(bool(failing) and len(runs) == 1)

    monkeypatch.setattr(tests, "_pytest", pretended)
    assert tests.main(["-n", "1", str(tmp_path), f"--junitxml={report}"]) == status
    assert runs[1:] == ([repeated] if repeated else [])
    assert ("test_ends.py::test_x: assert 0\n" in capfd.readouterr().out) == bool(repeated)


def test_an_interrupted_run_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[object] = []
    monkeypatch.setattr(tests, "_pytest", lambda arguments: runs.append(arguments) or 2)
    assert tests.main([]) == 2 and len(runs) == 1
