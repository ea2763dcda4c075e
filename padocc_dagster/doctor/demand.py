"""What the launchers for clusters need of Dagster's own settings in dagster.yaml: each with the value to write, and why."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from padocc_dagster.services.settings_file import postgres, resolved
from padocc_dagster.slurm.settings import SECONDS

DAYS = 86400
DEFAULT_RUNS = 10
END_SECONDS = 60
"""What SLURM and the host may need to end a job whose grace period is over."""


class Demand(NamedTuple):
    """One entry. `default` is what Dagster takes when it is left out."""

    entry: str
    default: Any
    holds: Callable[[Any], bool]
    write: str
    why: str


DEMANDS = (
    Demand("run_monitoring.enabled", False, lambda v: v is True, "true", "or nobody notices a run that does not start or does not end"),
    Demand(
        "run_monitoring.start_timeout_seconds",
        180,
        lambda v: _is_number(v) and v >= 2 * DAYS,
        "2592000",
        "a job that waits for its cluster is a run that starts, and is failed after so long (30 days; 0 does not mean off)",
    ),
    Demand(
        "run_monitoring.max_runtime_seconds",
        0,
        lambda v: v == 0,
        "0, or leave it out",
        "the wall time does this: Dagster fails such a run at once and repeats it, while the job's worker still has its time to end",
    ),
    Demand("run_monitoring.max_resume_run_attempts", 0, lambda v: v == 0, "0", "Dagster's resume repeats every step of a run"),
    Demand("run_retries.enabled", False, lambda v: v is True, "true", "or a job that died for lack of memory or time is not repeated"),
    Demand("run_retries.max_retries", 0, lambda v: _is_number(v) and v > 0, "4", "each attempt gets more of what the last one lacked"),
    Demand(
        "run_retries.retry_on_asset_or_op_failure",
        True,
        lambda v: v is False,
        "false",
        "a dead job is to be repeated, a failed phase or check waits for a person",
    ),
    Demand(
        "concurrency.runs.max_concurrent_runs",
        DEFAULT_RUNS,
        lambda v: _is_number(v) and (v == -1 or v > DEFAULT_RUNS),
        "200",
        "it counts the jobs that wait for their cluster too",
    ),
)
OLDER = {"concurrency.runs.max_concurrent_runs": ("run_queue.max_concurrent_runs", "run_coordinator.config.max_concurrent_runs")}
"""Other places where Dagster reads the same."""


def demand_problems(values: Mapping[str, Any], for_slurm: bool = True) -> list[str]:
    """A sentence for each entry that has to be another."""
    values = resolved(values)
    demands = (*DEMANDS, _cancel_timeout(values)) if for_slurm else DEMANDS
    return [problem for demand in demands if (problem := _problem(demand, values))]


def storage_problems(values: Mapping[str, Any], for_slurm: bool) -> list[str]:
    """What is wrong with the choice of the database, without a connection to it."""
    where = postgres(resolved(values))
    if where is None:
        storage = values.get("storage")
        other = storage if isinstance(storage, Mapping) and "sqlite" not in storage else values.get("run_storage")
        if not for_slurm or other:
            return []
        return ["SQLite serves one host only, and jobs run on many: write storage.postgres as in deploy/slurm/dagster.yaml"]
    if url := where.get("postgres_url"):
        trap, entry = str(url).startswith("postgresql://"), "begin postgres_url with postgresql+psycopg2://"
    else:
        named = where["postgres_db"].get("scheme", "postgresql") if isinstance(where["postgres_db"], Mapping) else ""
        trap, entry = named == "postgresql", "write `scheme: postgresql+psycopg2` in postgres_db"
    why = "SQLAlchemy 2.1 reads plain postgresql:// as psycopg 3, which dagster-postgres does not bring along"
    return [f"{why}: {entry}"] if trap else []


def _cancel_timeout(values: Mapping[str, Any]) -> Demand:
    """Dagster's patience with a run that is being cancelled, by what the launcher's config grants its worker."""
    least = END_SECONDS
    for name in ("terminate_grace_seconds", "poll_interval_seconds"):
        said = _number(_at(values, f"run_launcher.config.{name}"))
        least += said if _is_number(said) else SECONDS[name][0]
    why = f"a cancelled run has terminate_grace_seconds to end, and is seen to within poll_interval_seconds: {least} at least"
    return Demand("run_monitoring.cancel_timeout_seconds", 180, lambda v: _is_number(v) and v >= least, str(max(600, least)), why)


def _problem(demand: Demand, values: Mapping[str, Any]) -> str | None:
    found = [value for entry in (demand.entry, *OLDER.get(demand.entry, ())) if (value := _at(values, entry)) is not None]
    value = _number(found[0]) if found else demand.default
    if demand.holds(value):
        return None
    now = "is" if found else "is left out, which means"
    return f"{demand.entry} {now} {str(value).lower()}: write {demand.write}, {demand.why}"


def _at(values: Any, entry: str) -> Any:
    for key in entry.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _number(value: Any) -> Any:
    """An environment variable's value is text."""
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
