"""The documentation is whole: it builds without a warning, every link leads somewhere, and the reference has all that the code has."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from padocc_dagster.cli import app
from padocc_dagster.pipeline.workdir import events
from padocc_dagster.slurm.settings import FIELDS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder], cwd=ROOT, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return folder


def page(site: Path, name: str) -> str:
    return (site / name / "index.html").read_text()


def test_the_reference_has_every_command(site: Path) -> None:
    commands = typer.main.get_command(app).commands
    shown = page(site, "reference/commands")
    assert len(commands) > 20 and [name for name in commands if f"padocc-dagster {name}</code>" not in shown] == []


def test_the_reference_has_every_setting_and_every_kind_of_event(site: Path) -> None:
    shown = page(site, "reference/settings")
    assert [name for name in FIELDS if f"<code>{name}</code>" not in shown] == []
    kinds = [
        model.model_fields["kind"].default
        for model in vars(events).values()
        if hasattr(model, "model_fields") and "kind" in model.model_fields
    ]
    shown = page(site, "reference/records")
    assert len(kinds) > 10 and [kind for kind in kinds if f"<code>{kind}</code>" not in shown] == []


def test_the_site_asks_no_other_server_for_fonts(site: Path) -> None:
    assert "fonts.googleapis.com" not in page(site, "first")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_link_of_the_first_pages_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert links and [link for link in links if not (ROOT / link).exists()] == []
