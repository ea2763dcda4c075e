"""The whole examination, in the order in which a deployment is set up. What depends on something wrong is said not to be checked."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padocc_dagster.doctor import cluster
from padocc_dagster.doctor.demand import demand_problems, storage_problems
from padocc_dagster.doctor.folder import check_folder, check_log_folder
from padocc_dagster.doctor.line import Line, is_fine, judged, not_checked, ok, wrong
from padocc_dagster.doctor.node import PACKAGES, gather
from padocc_dagster.services.home import Home
from padocc_dagster.services.instance import InstanceProblem, launcher, open_instance, validate
from padocc_dagster.services.settings_file import postgres, wants_kubernetes, wants_slurm
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.yaml_fields import NotRead, load, variables

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from padocc_dagster.dagster_private import RunLauncher

MAKE = "make it, or let `padocc-dagster up` make it"
FIRST = "correct what is wrong above first"


def examine(home: Home, with_job: bool, wait_seconds: float) -> Iterator[Line]:
    """Every line, as soon as it is known. `with_job`: run a tiny job too, and wait for it so long at most."""
    workdir = home.workdir.root
    folders = [check_folder("WORKDIR", workdir, MAKE), check_folder("DAGSTER_HOME", home.root, MAKE)]
    yield from folders
    if not is_fine(folders):
        yield not_checked("dagster.yaml", FIRST)
        return
    with _as_served(home):
        try:
            values = load(home.settings) or {}
            if not isinstance(values, dict):
                raise NotRead("it is not a mapping: write it as deploy/slurm/dagster.yaml is written")
        except NotRead as error:
            example = "copy deploy/slurm/dagster.yaml there; on one machine `padocc-dagster up` makes it"
            yield wrong("dagster.yaml", f"{home.settings}: {example if not home.settings.exists() else error}")
            return
        yield from _instance(home, values, with_job, wait_seconds)


def _instance(home: Home, values: Mapping[str, Any], with_job: bool, wait_seconds: float) -> Iterator[Line]:
    """What dagster.yaml makes of the instance."""
    slurm, pods = wants_slurm(values), wants_kubernetes(values)
    before = [*_variables(values), *_valid(home.root, values)]
    yield from before
    used = None
    if is_fine(before):
        used, lines = _launcher(home.root, values)
        yield from lines
    else:
        yield not_checked("run launcher", FIRST)
    if slurm or pods:
        yield from judged(
            "run settings", demand_problems(values, slurm), "monitoring, retries and the number of runs suit jobs on a cluster"
        )
    yield _packages(values)
    yield from judged("storage", storage_problems(values, slurm or pods), "suits the launcher")
    instance = None
    if is_fine(before):
        instance, lines = _database(home.root, values)
        yield from lines
    else:
        yield not_checked("database", FIRST)
    try:
        if slurm:
            yield from _slurm(home, values, getattr(used, "settings", None), instance, wait_seconds if with_job else None)
        elif pods and used is not None:
            yield from _kubernetes(home, used, instance, wait_seconds if with_job else None)
    finally:
        if instance:
            instance.dispose()


def _slurm(
    home: Home, values: Mapping[str, Any], settings: Settings | None, instance: "DagsterInstance | None", wait_seconds: float | None
) -> Iterator[Line]:
    """What the cluster says. `wait_seconds` None: no job."""
    client = Client(settings.command_timeout_seconds, settings.command_prefix) if settings else Client()
    answers = [cluster.programs(client.prefix)]
    if is_fine(answers):
        answers += [cluster.controller(client)]
    if is_fine(answers):
        answers += [cluster.accounting(client)]
    yield from answers
    if settings is None:
        yield not_checked("allocations and job", FIRST)
        return
    yield cluster.profile(settings)
    log_folder = settings.log_folder.root
    writable = check_log_folder(settings.log_folder)
    yield writable
    if not is_fine([*answers[:2], writable]):
        yield not_checked("allocations and job", FIRST)
        return
    allocations = cluster.allocations(settings, client, log_folder)
    yield from allocations
    if wait_seconds is None:
        yield not_checked("job", "--no-job: whether a compute node sees all this as well is not known")
    elif instance is None or not is_fine(allocations[:1]):
        yield not_checked("job", FIRST)
    else:
        from padocc_dagster.doctor.trial import Trial, try_node

        folders = {"log folder": log_folder, "WORKDIR": home.workdir.root, "DAGSTER_HOME": home.root}
        yield from try_node(Trial(settings, client, folders, values), instance, wait_seconds)


def _kubernetes(home: Home, used: "RunLauncher", instance: "DagsterInstance | None", wait_seconds: float | None) -> Iterator[Line]:
    """What Kubernetes says. `wait_seconds` None: no pod."""
    from padocc_dagster.doctor import kubernetes
    from padocc_dagster.kubernetes.launcher import KubernetesRunLauncher

    if isinstance(used, KubernetesRunLauncher):
        if instance:
            used.register_instance(instance)
        yield from kubernetes.examine(used, instance, home.workdir.root, wait_seconds)


def _variables(values: Mapping[str, Any]) -> list[Line]:
    """Whether what dagster.yaml names is set. Names only: values may be passwords."""
    named = variables(values)
    problems = [f"{name} is not set, and {entry} wants it: set it" for name, entry in named.items() if not os.environ.get(name)]
    return judged("environment", problems, f"{', '.join(named)} set" if named else "dagster.yaml names no variables")


def _valid(home: Path, values: Mapping[str, Any]) -> list[Line]:
    try:
        validate(home, values)
    except InstanceProblem as problem:
        return [wrong("dagster.yaml", f"{sentence} Correct {home / 'dagster.yaml'}") for sentence in problem.sentences]
    return [ok("dagster.yaml", f"{home / 'dagster.yaml'} is valid")]


def _launcher(home: Path, values: Mapping[str, Any]) -> "tuple[RunLauncher | None, list[Line]]":
    try:
        found = launcher(home, values)
    except InstanceProblem as problem:
        return None, [wrong("run launcher", sentence) for sentence in problem.sentences]
    return found, [ok("run launcher", f"{type(found).__name__} takes its config")]


def _packages(values: Mapping[str, Any]) -> Line:
    here = gather(Path(os.environ["DAGSTER_HOME"]))
    wanted = [name for name in PACKAGES if name != "dagster-postgres" or postgres(values)]
    if missing := [name for name in wanted if here.packages[name] is None]:
        return wrong("packages", f"{', '.join(missing)} not installed for {here.executable}: pip install 'padocc-dagster[slurm]'")
    return ok("packages", f"Python {here.python}, " + ", ".join(f"{name} {here.packages[name]}" for name in wanted))


def _database(home: Path, values: Mapping[str, Any]) -> "tuple[DagsterInstance | None, list[Line]]":
    try:
        instance = open_instance(home, values)
    except InstanceProblem as problem:
        remedy = "correct storage in dagster.yaml, or see whether the database runs and lets this host in"
        return None, [wrong("database", f"{sentence}: {remedy}") for sentence in problem.sentences]
    return instance, [ok("database", "the instance opens and its runs can be read")]


@contextmanager
def _as_served(home: Home) -> Iterator[None]:
    """The environment that `padocc-dagster up` gives to its services."""
    ours = {"DAGSTER_HOME": str(home.root), "WORKDIR": str(home.workdir.root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
