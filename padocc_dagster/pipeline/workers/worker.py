"""The process in which PADOCC runs: one request in, one operation, one answer out.

Started by `call.call`. Standard output carries the answer alone; whatever PADOCC and its libraries print goes to standard
error, into the log of the Dagster run. When standard input closes, the parent is gone, and so is this process. At
`watchdog.STACK_SIGNAL` the stacks of all threads go to standard output, in lines before the answer, which is the last line.
"""

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from padocc_dagster.pipeline.comparison.children import ChildDied
from padocc_dagster.pipeline.running.watchdog import STACK_SIGNAL

PARENT_GONE_EXIT_STATUS = 74


def operations() -> dict[str, Callable[..., Any]]:
    """What can be asked of a worker."""
    from padocc_dagster.pipeline.board import portraits
    from padocc_dagster.pipeline.depiction import depict, versions
    from padocc_dagster.pipeline.publishing import verify
    from padocc_dagster.pipeline.running import attempt
    from padocc_dagster.pipeline.watch import recompare

    return {
        "initialise": _initialise,
        "scan": attempt.scan,
        "compute": attempt.compute,
        "validate": attempt.validate,
        "verify": verify.verify,
        "depict": depict.depict,
        "changes": versions.changes,
        "portray": portraits.portray,
        "publish": attempt.publish,
        "recompare": recompare.recompare,
    }


def _initialise(root: str, **arguments: Any) -> dict[str, list[str]]:
    """Initialise a group after interrupted moves, or a project on its way to another group would be made anew in this one."""
    from padocc_dagster.pipeline.making.initialise import initialise_group
    from padocc_dagster.pipeline.moving.carrying import finish_unfinished
    from padocc_dagster.pipeline.workdir.layout import Workdir

    finish_unfinished(Workdir(Path(root)))
    return initialise_group(root, **arguments)


def read_request() -> dict[str, Any]:
    """Read the one line of the request. Standard input stays open: it is the line to the parent."""
    line = b""
    while not line.endswith(b"\n"):
        block = os.read(0, 1 << 16)
        if not block:
            raise EOFError("no request on standard input: this module is started by padocc_dagster.pipeline.running.call")
        line += block
    request: dict[str, Any] = json.loads(line)
    return request


def end_with_parent() -> None:
    """Wait until the parent closes its end, by ending itself in whatever way, and end at once."""
    os.read(0, 1)
    os._exit(PARENT_GONE_EXIT_STATUS)


def end_by(signal_number: int) -> NoReturn:
    """End this process by a signal, so that its parent sees it die of what killed a child of it."""
    with contextlib.suppress(OSError):  # SIGKILL has no handler
        signal.signal(signal_number, signal.SIG_DFL)
    os.kill(os.getpid(), signal_number)
    os._exit(128 + signal_number)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    faulthandler.register(STACK_SIGNAL, file=answers, all_threads=True)
    request = read_request()
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        result = {"answer": operations()[request["operation"]](**request["arguments"])}
    except ChildDied as died:
        sys.stderr.write(f"{died}: this process ends alike\n")
        end_by(died.signal)
    except Exception as error:
        traceback.print_exc()
        result = {"error": [type(error).__name__, " ".join(str(error).split())]}
    answers.write(json.dumps(result))
    answers.close()
    os._exit(0)  # libraries' threads and exit hooks have nothing left to do, and may hang


if __name__ == "__main__":
    main()
