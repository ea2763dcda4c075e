"""The process of which the runs and PADOCC's workers on one machine are forks: `python -P -m … SOCKET [MODULE]`.

It serves the workers as `pipeline/workers/fork_server.py` does, and has imported Dagster and the definitions of MODULE besides. For a
launcher's request (`keeper.Launch`) it forks a keeper.
"""

import sys
import traceback
from functools import partial
from pathlib import Path
from socket import socket

from padocc_dagster import warm
from padocc_dagster.local.keeper import Launch, keep
from padocc_dagster.pipeline.workers import fork_server


def load(definitions: str) -> None:
    """Import what runs and operations need. Definitions that cannot be imported here are left to each run, which reports the error."""
    try:
        warm.preload(definitions)
    except warm.NotCleanError:
        raise
    except Exception:
        traceback.print_exc()
        fork_server.load()


def serve(connection: socket) -> None:
    """Serve one request, in a process of its own."""
    request = fork_server.receive(connection)
    if "run" in request.content:
        request.close()
        keep(Launch.of(request.content), connection)
    else:
        fork_server.keep(connection, request)


if __name__ == "__main__":
    module = sys.argv[2] if sys.argv[2:] else warm.DEFINITIONS
    fork_server.serve(fork_server.listen(Path(sys.argv[1])), partial(load, module), serve)
