"""All tests: `python -m padocc_dagster_tests PYTEST'S OPTIONS…`. A file of live tests of which one failed is run once more, on its own.

Services, a cluster and a browser share a few cores with everything else, and what a test of them waits for may come late. The second time
the file has an instance of its own again. What failed the first time is printed at the end, also when all is well.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = "--junitxml="
SOME_FAILED = 1
"""Pytest's exit status."""


def main(options: Sequence[str]) -> int:
    """Run them; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        report = next((option.removeprefix(REPORT) for option in options if option.startswith(REPORT)), f"{folder}/report.xml")
        status = _pytest([*options, f"{REPORT}{report}"])
        failures = failed(Path(report)) if status == SOME_FAILED else {}
    files = sorted({path for path, _ in failures})
    if not files or not all("live" in Path(path).parts for path in files):
        return status
    print(f"\nRun once more, on their own: {' '.join(files)}", flush=True)
    status = _pytest([*(option for option in options if not _is_choice(option)), *files])
    print("Failed the first time:", *(f"{path}::{name}: {why}" for (path, name), why in failures.items()), sep="\n", flush=True)
    return status


def failed(report: Path) -> dict[tuple[str, str], str]:
    """File and name of each test that failed → the first line of why."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        for kind in ("failure", "error"):
            if (element := case.find(kind)) is not None:
                lines = (element.get("message") or "").splitlines()
                found[_file(case.get("classname") or ""), case.get("name") or ""] = lines[0] if lines else kind
    return found


def _file(module: str) -> str:
    """`package.folder.test_file`, or a class in that, as a path."""
    path = Path(*module.split("."))
    return str(next((each.with_suffix(".py") for each in (path, path.parent) if (ROOT / each.with_suffix(".py")).exists()), path))


def _is_choice(option: str) -> bool:
    """Whether it chooses tests, or names the report of the first time."""
    return option.startswith(REPORT) or Path(option.partition("::")[0]).exists()


def _pytest(arguments: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-ra", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
