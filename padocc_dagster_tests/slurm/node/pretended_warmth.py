"""The main process of a job for many runs, whose runs do what their ids say: `python … ARGUMENTS` as of `warm_host`.

ok-…       print and end        sleep-…    work until killed, in order at SIGTERM      deaf-…   the same, without SIGTERM
die-N-…    die of signal N      eat-N-…    hold N MiB                                  leave-…  end, and leave a process
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from padocc_dagster import warm
from padocc_dagster.pipeline.workers import fork_server
from padocc_dagster.slurm.node import warm_host

EDITED = "EDITED"
FAILING = "FAILING"


def preload(definitions: str = "") -> None:
    if os.environ.get(FAILING):
        raise RuntimeError("nothing can be imported")


def installed() -> dict[str, int]:
    return {"edited": int(Path(os.environ.get(EDITED, "/nowhere")).exists())}


def execute(run_id: str) -> int:
    print(f"{run_id} is at work", flush=True)
    what, _, rest = run_id.partition("-")
    if what == "die":
        os.kill(os.getpid(), int(rest.partition("-")[0]))
    if what == "leave":
        subprocess.Popen(["sleep", "300"])
    if what in ("sleep", "deaf", "eat"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN if what == "deaf" else lambda number, frame: sys.exit(0))
        kept = bytearray((int(rest.partition("-")[0]) if what == "eat" else 0) * 2**20)
        kept[::4096] = b"x" * len(kept[::4096])
        Path(f"{run_id}.begun").touch()
        time.sleep(300)
    return 0


if __name__ == "__main__":
    warm.preload, warm.execute, fork_server.installed = preload, execute, installed
    sys.exit(warm_host.main())
