"""What dagster.yaml contains: its values with the environment's, the database, and its secrets. Dagster is not called here."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from padocc_dagster.slurm.yaml_fields import entries, variable

HARMLESS = frozenset(
    {"account", "db_name", "hostname", "log_folder", "partition", "port", "profile", "python", "qos", "scheme", "username"}
)
"""Entries whose values help to understand an error. Those of all others that come from the environment are hidden."""
SECRET = re.compile(r"password|passwd|secret|token|credential|_url$|(access|api|private)_?key", re.IGNORECASE)
PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)([^@\s]+)@")
LAUNCHERS = {"SlurmRunLauncher": "padocc_dagster.slurm", "KubernetesRunLauncher": "padocc_dagster.kubernetes"}


def resolved(values: Any, environment: Mapping[str, str] = os.environ) -> Any:
    """The same with every `{env: NAME}` replaced by its value, None for one that is not set."""
    if name := variable(values):
        return environment.get(name)
    if isinstance(values, Mapping):
        return {key: resolved(value, environment) for key, value in values.items()}
    return [resolved(value, environment) for value in values] if isinstance(values, list) else values


def wants_slurm(values: Mapping[str, Any]) -> bool:
    """Whether the launcher named there is SlurmRunLauncher."""
    return _wants(values, "SlurmRunLauncher")


def wants_kubernetes(values: Mapping[str, Any]) -> bool:
    """Whether the launcher named there is KubernetesRunLauncher."""
    return _wants(values, "KubernetesRunLauncher")


def _wants(values: Mapping[str, Any], launcher: str) -> bool:
    named = values.get("run_launcher")
    return isinstance(named, Mapping) and named.get("class") == launcher and str(named.get("module", "")).startswith(LAUNCHERS[launcher])


def most_at_once(values: Mapping[str, Any]) -> int | None:
    """How many runs may work at once; None where nothing limits them."""
    limit: Any = values
    for key in ("concurrency", "runs", "max_concurrent_runs"):
        limit = limit.get(key) if isinstance(limit, Mapping) else None
    return limit if isinstance(limit, int) and limit > 0 else None


def postgres(values: Any) -> Mapping[str, Any] | None:
    """The part that says where the Postgres database is; None without one."""
    if not isinstance(values, Mapping):
        return None
    if "postgres_db" in values or "postgres_url" in values:
        return values
    return next((found for value in values.values() if (found := postgres(value)) is not None), None)


def hide(text: str, values: Any, environment: Mapping[str, str] = os.environ) -> str:
    """The text without secrets of dagster.yaml: a value from the environment becomes its `{NAME}`, a password `***`."""
    hidden: dict[str, str] = {}
    for path, value in entries(values):
        name = variable(value)
        secret = environment.get(name, "") if name else str(value or "")
        if any(map(SECRET.search, path)) or (name and path[-1] not in HARMLESS):
            shown = f"{{{name}}}" if name else "***"
            inside = PASSWORD_IN_URL.search(secret)
            hidden |= {form: shown for part in (secret, inside[2] if inside else "") for form in (part, quote(part)) if form}
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, hidden[secret])
    return PASSWORD_IN_URL.sub(r"\1***@", text)
