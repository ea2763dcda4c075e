"""Who else may enter this package's folders of a working directory: nobody, or the group where the environment of `up` says so.

`dagster/` has databases and logs, `padocc_dagster/` records; what is in `inbox/` and `locks/` decides what is run. What is in a closed
folder is out of reach, with any mode of its own. PADOCC's folders, with the products, follow the umask: they are for others to read.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from padocc_dagster.pipeline.workdir.layout import Workdir

SETTING = "PADOCC_DAGSTER_GROUP_ACCESS"
MODES = {"none": (0o700, 0o700), "read": (0o750, 0o750), "write": (0o2770, 0o750)}
"""Value of the setting → the modes of the three folders that people's commands write to, and of `dagster/`."""
OPEN = stat.S_IWGRP | stat.S_IWOTH


def set_access(workdir: Workdir, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Make the folders, and close them to whom the setting does not name. Returns a sentence for each that others could write to.

    Folders of other users are left as they are. Raises ValueError for a setting that is none.
    """
    chosen = environment.get(SETTING, "none")
    if chosen not in MODES:
        raise ValueError(
            f"{SETTING} is {chosen!r}, expected one of {', '.join(MODES)}: who of your group may enter dagster/, locks/, inbox/"
        )
    sentences = []
    for path, mode in _folders(workdir, *MODES[chosen]):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        before = stat.S_IMODE(status.st_mode)
        if status.st_uid != os.getuid() or before == mode:
            continue
        path.chmod(mode)
        if before & OPEN & ~mode:
            sentences.append(
                f"{path} was open to others (mode {before:04o}), and is closed now ({mode:04o}): see {SETTING} in docs/security.md."
            )
    return sentences


def _folders(workdir: Workdir, shared: int, private: int) -> Iterator[tuple[Path, int]]:
    yield workdir.root / "dagster", private
    for name in ("inbox", "locks", "padocc_dagster"):
        yield workdir.root / name, shared
