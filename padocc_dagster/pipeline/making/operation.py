"""How PADOCC's operation classes are constructed: directly, forceful, with errors raised and the phase's own log."""

import io
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.chunk_index import is_hdf5
from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

RAISE_ERRORS_TRY_ALL_DRIVERS = "D"
INFO = 1


def construct(operation: type, workdir: Workdir, project: Project, phase: str, **options: Any) -> Any:
    """Build a PADOCC operation for one project.

    `GroupOperation.run` is not used: it does not pass `forceful` on, so that nothing can be run a second time
    (`padocc/groups/group.py:523`, `phases/compute.py:697`).
    """
    from padocc.core.utils import BypassSwitch

    logging.captureWarnings(True)
    _let_padocc_replace_files_whole()
    _let_padocc_make_files_without_a_shell()
    _let_padocc_recognise_netcdf4()
    return operation(
        project.code,
        str(workdir.root),
        groupID=project.group,
        label=phase,
        fh="PhaseLog",
        logid="0",
        verbose=INFO,
        forceful=True,
        bypass=BypassSwitch(RAISE_ERRORS_TRY_ALL_DRIVERS),
        **options,
    )


def _let_padocc_replace_files_whole() -> None:
    """PADOCC empties a file, then writes it (`padocc/core/filehandlers.py:377,573`): killed between, it loses a config."""
    from padocc.core import filehandlers

    filehandlers.open = lambda path, mode="r": _replacing(Path(path)) if mode == "w" else open(path, mode)  # noqa: SIM115


def _let_padocc_make_files_without_a_shell() -> None:
    """PADOCC calls `touch` in a shell for each new file (`padocc/core/filehandlers.py:131`): 2 ms for each source file's references."""
    from padocc.core.filehandlers import FileIOMixin

    def create_file(handler: Any) -> None:
        if not handler._dryrun:
            Path(handler.filepath).touch()

    FileIOMixin.create_file = create_file


def _let_padocc_recognise_netcdf4() -> None:
    """PADOCC opens every file with pyfive to see whether it is NetCDF4, and fails for NetCDF3 (`padocc/core/utils.py:100`)."""
    from padocc.core.mixins import properties

    properties.is_netcdf4 = lambda files: all(is_hdf5(file) for file in files)


@contextmanager
def _replacing(path: Path) -> Iterator[io.StringIO]:
    """A file as `open(path, "w")` gives it, of which nothing is seen until all of it is written."""
    text = io.StringIO()
    yield text
    write_text(path, text.getvalue(), synced=False)


def clear_cache(workdir: Workdir, project: Project) -> None:
    """Remove what earlier attempts cached by index: PADOCC re-uses it for the file that now has that index (`compute.py:1187`)."""
    directory = workdir.project_dir(project)
    for leftover in (*directory.glob("trial-*"), *(directory / name for name in ("cache", "cfacache", "zarrcache.zarr"))):
        remove(leftover)


def remove(path: Path) -> None:
    """Remove a file, a folder or a link, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
