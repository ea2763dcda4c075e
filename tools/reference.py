"""A hook of MkDocs: the pages that are made from the code, and the list of changes, whenever the site is built (`mkdocs.yml`).

Commands are described by typer from their help, settings by the schemas that Dagster checks, fields of group configs by their models,
tags and events by the docstrings in the source.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from dagster import Field
from dagster._config import ConfigTypeKind
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

from padocc_dagster import cli, runs
from padocc_dagster.batch import causes
from padocc_dagster.batch import tags as batch_tags
from padocc_dagster.conductor import requests
from padocc_dagster.kubernetes import settings as kubernetes
from padocc_dagster.pipeline.workdir import events
from padocc_dagster.selection import fields, options
from padocc_dagster.slurm import settings as slurm
from padocc_dagster.slurm.runs import tags as slurm_tags

ROOT = Path(__file__).parents[1]
Rows = Iterator[tuple[str, ...]]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages. MkDocs calls this, by its name."""
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def pages() -> dict[str, str]:
    """The path of each page → its text."""
    return {
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "reference/commands.md": _commands(),
        "reference/config.md": "# Group configs\n\n" + "\n".join(_configs()),
        "reference/settings.md": "# Settings of the launchers\n\n" + "\n".join(_settings()),
        "reference/records.md": "# Tags, causes and events\n\n" + "\n".join(_records()),
    }


def table(head: tuple[str, ...], rows: Rows) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines) + "\n"


def _commands() -> str:
    command = [sys.executable, "-m", "typer", cli.__name__, "utils", "docs", "--name", "padocc-dagster", "--title", "Commands"]
    return subprocess.run(command, env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, check=True).stdout


def _paragraphs(text: str | None) -> str:
    """Help with its line breaks inside a paragraph removed."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def _configs() -> Iterator[str]:
    yield "The fields of a YAML config; a CSV has those of a project as its columns. See also [STAC](../stac.md).\n"
    models = (fields.GroupFields, fields.ProjectFields, options.Options, options.XarrayOptions)
    for title, model in zip(("The group", "A project", "`options`", "`options.xarray`"), models, strict=True):
        yield f"## {title}\n"
        yield table(("field", "default", ""), _fields(model))


def _fields(model: type[BaseModel]) -> Rows:
    described = {**_docstrings(fields), **_docstrings(options)}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default in (None, "", (), [], {}) or isinstance(default, BaseModel) else f"`{default}`"
        text = _described(described, model, name)
        kind = field.description or _kind(field.annotation)
        yield f"`{name}`", shown, f"{text} {kind[:1].upper()}{kind[1:]}".strip()


def _kind(annotation: Any) -> str:
    """What values a field without a description takes, where its type is a list of words."""
    words = [word for part in (annotation, *get_args(annotation)) for word in get_args(part) if isinstance(word, str)]
    return "one of " + ", ".join(f"`{word}`" for word in words) if words else ""


def _settings() -> Iterator[str]:
    yield "The entry `run_launcher` of `dagster.yaml`, `config`.\n"
    for title, settings in (("SLURM", slurm.FIELDS), ("Kubernetes", kubernetes.FIELDS)):
        yield f"## {title}\n"
        yield table(("setting", "default", ""), _setting_rows(settings, ""))


def _setting_rows(settings: Mapping[str, Any], above: str) -> Rows:
    for name, field in settings.items():
        assert isinstance(field, Field)
        default = f"`{field.default_value}`" if field.default_provided and field.default_value not in ("", [], {}) else ""
        yield f"`{above}{name}`", default, field.description or ""
        if field.config_type.kind is ConfigTypeKind.STRICT_SHAPE:
            yield from _setting_rows(field.config_type.fields, f"{above}{name}.")


def _records() -> Iterator[str]:
    yield "## Tags of runs\n"
    modules = (runs, requests, batch_tags, slurm_tags)
    found = ((f"`{value}`", text) for module in modules for value, text in _tags(module))
    yield table(("tag", ""), ((tag, text) for tag, text in found))
    yield "## Causes\n\nHow a job ended (`padocc/cause`).\n"
    answers = causes.RESPONSES.items()
    yield table(
        ("cause", "it means", "what helps", "repeated"),
        ((f"`{cause}`", answer.means, answer.advice, "yes" if answer.retry else "no") for cause, answer in answers),
    )
    yield "## Events of a project\n\nThe lines of `events.jsonl` in the project's folder. Each has `kind`, `when`, `row` and `format`.\n"
    described = _docstrings(events)
    for name, model in vars(events).items():
        if isinstance(model, type) and issubclass(model, events.Event) and "kind" in model.model_fields:
            kind, doc = model.model_fields["kind"].default, described.get((name, ""), "")
            yield f"### `{kind}`\n\n{doc}\n"
            own = (field for field in model.model_fields if field not in ("kind", "when", "row", "format"))
            yield table(("field", ""), ((f"`{field}`", _described(described, model, field)) for field in own))


def _tags(module: ModuleType) -> Iterator[tuple[str, str]]:
    for (owner, name), text in _docstrings(module).items():
        value = getattr(module, name, None)
        if owner == "" and isinstance(value, str) and "/" in value:
            yield value, text


def _described(described: Mapping[tuple[str, str], str], model: type, field: str) -> str:
    return next((described[(base.__name__, field)] for base in model.__mro__ if (base.__name__, field) in described), "")


def _docstrings(module: ModuleType) -> dict[tuple[str, str], str]:
    """(class, attribute) → docstring; the class is empty for the module's own names, the attribute for that of the class."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    found: dict[tuple[str, str], str] = {}
    for owner, body in (("", tree.body), *((node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef))):
        for before, node in zip(body, body[1:], strict=False):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                for target in before.targets if isinstance(before, ast.Assign) else [getattr(before, "target", None)]:
                    if isinstance(target, ast.Name):
                        found[(owner, target.id)] = _paragraphs(node.value.value)
    found.update({(node.name, ""): _paragraphs(ast.get_docstring(node)) for node in tree.body if isinstance(node, ast.ClassDef)})
    return found
