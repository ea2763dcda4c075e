"""The files in deploy/one-machine, held against the programs that read them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy" / "one-machine"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "padocc-dagster.service"
    text = (DEPLOY / unit.name).read_text()
    assert "ExecStart=%h/padocc-dagster/.venv/bin/padocc-dagster up\n" in text
    unit.write_text(text.replace("%h/padocc-dagster/.venv/bin/padocc-dagster", sys.executable))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
