"""Group configs in the inbox from which no project was made: rejected, failed, or not read yet."""

import os
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.readings import Result

SHOWN = 5
"""Problems of one file; `check` prints all."""


@dataclass(frozen=True)
class UnusedConfig:
    """A group config, and why its group was not made."""

    path: Path
    problems: tuple[str, ...] = ()
    """Each with its line; none for a file that was not read yet."""

    @property
    def is_read(self) -> bool:
        return bool(self.problems)

    @property
    def _is_csv(self) -> bool:
        return self.path.suffix.lower() == ".csv"

    @property
    def group(self) -> str:
        """The group that it is to make: by its field `group` or, without one that can be seen, its name."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines() if not self._is_csv else []
        except OSError:
            lines = []
        named = (line.partition("#")[0].partition(":")[2].strip(" '\"") for line in lines if line.startswith("group:"))
        return next(named, "") or self.path.stem

    def lines(self) -> list[str]:
        """What a person reads."""
        if not self.is_read:
            return [f"{self.path.name} in the inbox is not read yet."]
        more = len(self.problems) - SHOWN
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        return [
            f"{self.path.name} was not accepted ({count}), and nothing was made of it:",
            *(f"  {problem}" for problem in self.problems[:SHOWN]),
            *([f"  … {more} more: padocc-dagster check {self.path}"] if more > 0 else []),
            "  Correct it and drop it into the inbox again.",
            *([f"  For its good lines: padocc-dagster check {self.path} --good FILE --bad FILE"] if self._is_csv else []),
        ]


def unused_configs(workdir: Workdir) -> list[UnusedConfig]:
    """Those that lie in the inbox now, by name. Costs a `stat` and the reading of a small file for each; contents are not read."""
    found = (_unused(workdir, name) for name in _names(workdir.inbox))
    return [each for each in found if each is not None]


def _names(folder: Path) -> list[str]:
    from padocc_dagster.selection import SUFFIXES

    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES]


def _unused(workdir: Workdir, name: str) -> UnusedConfig | None:
    path = workdir.inbox / name
    try:
        changed = path.stat().st_mtime_ns
        record = read_json(workdir.inbox_record(name))
    except CorruptFileError:
        return UnusedConfig(path)
    except OSError:
        return None
    if not str(record.get("version", "")).startswith(f"{changed}-"):
        return UnusedConfig(path)
    if record.get("result") == Result.INITIALISED:
        return None
    problems = [
        f"line {each['line']}: {each['problem']}" if each.get("line") else str(each["problem"]) for each in record.get("problems", ())
    ]
    return UnusedConfig(path, tuple(problems) or ("no reason was recorded",))
