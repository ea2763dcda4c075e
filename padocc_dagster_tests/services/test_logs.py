"""The services' logs, which do not grow without end."""

import subprocess
import sys
from pathlib import Path

from padocc_dagster.services.processes import rotate

WRITE = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush(); sys.stderr.write('.'); sys.stderr.flush()"


def test_a_log_that_has_grown_too_large_is_moved_aside_while_a_program_goes_on_writing_to_it(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    with open(log, "ab") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITE], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE)

    def write(line: bytes) -> None:
        writer.stdin.write(line)
        writer.stdin.flush()
        assert writer.stderr.read(1) == b"."

    write(b"first\n")
    rotate(log, 1000)
    assert log.read_bytes() == b"first\n" and not log.with_suffix(".log.1").exists()
    write(b"x" * 1000 + b"\n")
    rotate(log, 1000)
    write(b"second\n")
    assert log.read_bytes() == b"second\n", "the hole of a file that was cut and written to at its old end is not there"
    assert log.with_suffix(".log.1").read_bytes() == b"first\n" + b"x" * 1000 + b"\n"
    writer.communicate()
    rotate(tmp_path / "none.log", 1000)
