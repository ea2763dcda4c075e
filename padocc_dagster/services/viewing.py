"""A web server that needs no `up`, with a code server of its own: it shows what was done, and what it starts waits for the next `up`."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.services import network, processes, webserver
from padocc_dagster.services.home import LOCATION, Home
from padocc_dagster.services.page import Page
from padocc_dagster.services.supervisor import DEFINITIONS, ServicesError

LOG = "web"


@contextmanager
def viewing(home: Home, page: Page, stopping: threading.Event, module: str = DEFINITIONS) -> Iterator[None]:
    """Show the page for the block, which begins when the definitions are loaded, or `stopping` is set.

    Raises ServicesError when the web server ends before that.
    """
    workspace = page.socket.with_suffix(".yaml")
    write_text(workspace, f"load_from:\n  - python_module: {{module_name: {module}, location_name: {LOCATION}}}\n")
    ours = {"DAGSTER_HOME": str(home.root), "WORKDIR": str(home.workdir.root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    ours["TMPDIR"] = str(page.socket.parent)  # where Dagster puts the socket of the code server
    argv = [sys.executable, "-m", webserver.__name__, *page.arguments, "-w", str(workspace)]
    process = processes.start(argv, home.log(LOG), {**os.environ, **ours}, home.root)
    try:
        while not network.location_is_loaded(page.address) and not stopping.wait(0.2):
            if process.poll() is not None:
                raise ServicesError(f"the web server ended. The end of {home.log(LOG)}:\n{processes.last_lines(home.log(LOG))}")
        yield
    finally:
        if process.poll() is None:
            processes.end([psutil.Process(process.pid), *processes.descendants(process.pid)], 5)
            process.wait()
        for path in (workspace, page.socket):
            path.unlink(missing_ok=True)
