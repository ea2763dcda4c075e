"""Stand-ins in front of the real SLURM commands: they count the calls, and do once what a test asks of one of them."""

import json
import shutil
import sys
from pathlib import Path

COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")
TEXT = """#!{python} -SE
import json, os, pathlib, signal, subprocess, sys, time
folder, name, real = pathlib.Path({folder!r}), {name!r}, {real!r}
with open(folder / "calls", "a") as calls:
    calls.write(json.dumps({{"name": name, "argv": sys.argv[1:], "time": time.time()}}) + "\\n")
try:
    act, _, given = (folder / (name + ".once")).read_text().partition("\\n")
    if given not in " ".join(sys.argv):
        raise FileNotFoundError(given)
    os.rename(folder / (name + ".once"), folder / (name + ".done"))
except FileNotFoundError:
    os.execv(real, [name, *sys.argv[1:]])
if act == "kill the caller before":
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
done = subprocess.run([real, *sys.argv[1:]], stdout=subprocess.PIPE)
if act == "kill the caller after":
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
if act == "time out after":
    sys.stderr.write("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\\n")
    sys.exit(1)
"""


class Shims:
    """A folder to stand first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in COMMANDS:
            path = folder / name
            path.write_text(TEXT.format(python=sys.executable, folder=str(folder), name=name, real=shutil.which(name)))
            path.chmod(0o755)

    def once(self, name: str, act: str, given: str = "") -> None:
        """What the next call of a command with `given` in its arguments does: `kill the caller before` or `after`, `time out after`."""
        draft = self.folder / f"{name}.draft"
        draft.write_text(f"{act}\n{given}")
        draft.rename(self.folder / f"{name}.once")

    def done(self, name: str) -> bool:
        """Whether it has done so."""
        return not (self.folder / f"{name}.once").exists()

    def calls(self, name: str, since: float = 0) -> list[list[str]]:
        """The arguments of the calls of a command since that time (seconds since 1970)."""
        path = self.folder / "calls"
        lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
        return [line["argv"] for line in lines if line["name"] == name and line["time"] >= since]
