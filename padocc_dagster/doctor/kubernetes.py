"""What Kubernetes answers: the API server, our rights, the sizes of runs, and what one tiny pod sees of the image, folders and database."""

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.dagster_private import reference, write_cursor
from padocc_dagster.doctor import pod as in_pod
from padocc_dagster.doctor.line import Line, is_fine, judged, not_checked, ok, wrong
from padocc_dagster.doctor.pod import CURSOR, Facts, facts_in, mark, packages

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from padocc_dagster.kubernetes.launcher import KubernetesRunLauncher

RIGHTS = (
    ("create", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("list", "batch", "jobs"),
    ("list", "", "pods"),
    ("get", "", "pods/log"),
    ("list", "", "events"),
)
"""Verb, API group and resource of every request that the launcher makes."""
TRIAL = Allocation(wall_seconds=300, memory_mib=1024)
POLL_SECONDS = 1.0


def examine(
    launcher: "KubernetesRunLauncher", instance: "DagsterInstance | None", workdir: Path, wait_seconds: float | None
) -> Iterator[Line]:
    """Every line, as soon as it is known. `wait_seconds` None: no pod."""
    reached = _api(launcher)
    yield reached
    if not is_fine([reached]):
        yield not_checked("rights, sizes and pod", "correct what is wrong above first")
        return
    before = [*_rights(launcher), *_sizes(launcher)]
    yield from before
    if wait_seconds is None:
        yield not_checked("pod", "--no-job: what a pod sees is not known")
    elif instance is None or not is_fine(before):
        yield not_checked("pod", "correct what is wrong above first")
    else:
        yield from _Trial(launcher, instance, workdir).lines(wait_seconds)


def _api(launcher: "KubernetesRunLauncher") -> Line:
    from padocc_dagster.kubernetes.client import NoAnswerError, RefusedError

    try:
        return ok("API server", f"Kubernetes {launcher.client.version()} answers")
    except (NoAnswerError, RefusedError) as error:
        return wrong("API server", f"{error}: correct kubeconfig_file or load_incluster_config in the launcher's config, or the network")


def _rights(launcher: "KubernetesRunLauncher") -> list[Line]:
    from padocc_dagster.kubernetes.client import NoAnswerError, RefusedError

    namespace = launcher.client.namespace
    try:
        missing = [f"{verb} {resource}" for verb, group, resource in RIGHTS if not launcher.client.may(verb, group, resource)]
    except (NoAnswerError, RefusedError) as error:
        return [wrong("rights", f"{error}: whether this account may create pods in {namespace} is not known")]
    problems = [f"not allowed in namespace {namespace}: {', '.join(missing)}: apply deploy/kubernetes/rbac.yaml there"] if missing else []
    return judged("rights", problems, f"all that is needed in namespace {namespace}")


def _sizes(launcher: "KubernetesRunLauncher") -> Iterator[Line]:
    """Whether the server takes Jobs of these sizes; whether a node has room for them, only a pod shows."""
    from padocc_dagster.kubernetes.client import NoAnswerError, RefusedError

    settings = launcher.settings
    for called, allocation in (("default allocation", settings.default), ("largest allocation", settings.default.merged(settings.largest))):
        try:
            launcher.client.create_job(launcher.trial_job(_name(), allocation, ["true"]), dry_run=True)
        except (NoAnswerError, RefusedError, LaunchRefusedError) as error:
            yield wrong(called, f"Kubernetes does not take {allocation} ({error}): correct {called.replace(' ', '_')} or run_k8s_config")
        else:
            yield ok(called, f"Kubernetes takes {allocation}")


def _name() -> str:
    return f"padocc-dagster-doctor-{uuid.uuid4().hex[:12]}"


class _Trial:
    """One tiny pod, made as the launcher makes those of runs. In any case its marks are removed and no Job stays behind."""

    def __init__(self, launcher: "KubernetesRunLauncher", instance: "DagsterInstance", workdir: Path) -> None:
        self.launcher, self.instance, self.name = launcher, instance, _name()
        self.folders = {"WORKDIR": workdir, "report_folder": launcher.settings.report_folder}

    def lines(self, seconds: float) -> list[Line]:
        """Run the pod, wait for it at most so many seconds, and say what it saw."""
        from padocc_dagster.kubernetes.client import NoAnswerError, RefusedError

        client = self.launcher.client
        try:
            for folder in self.folders.values():
                folder.mkdir(parents=True, exist_ok=True)
                mark(folder, self.name).write_text(self.name[::-1])
            write_cursor(self.instance, CURSOR, self.name[::-1])
            seen = [str(folder) for folder in self.folders.values()]
            command = [self.launcher.settings.python, "-m", in_pod.__name__, self.name, reference(self.instance), *seen]
            client.create_job(self.launcher.trial_job(self.name, TRIAL, command))
            return self._wait(seconds)
        except (OSError, NoAnswerError, RefusedError, LaunchRefusedError) as error:
            return [wrong("pod", f"{error}; nothing was checked in a pod")]
        finally:
            with suppress(NoAnswerError, RefusedError):
                client.delete_job(self.name)
            for path in (*(mark(folder, self.name) for folder in self.folders.values()), self.launcher.settings.report(self.name)):
                with suppress(OSError):
                    path.unlink()

    def _wait(self, seconds: float) -> list[Line]:
        from padocc_dagster.kubernetes.waiting import obstacle

        client, deadline = self.launcher.client, time.monotonic() + seconds
        while True:
            pod = next(iter(client.pods([self.name])), None)
            if pod and pod.is_over:
                log = client.last_lines(pod.name)
                there = facts_in(log)
                return self._judged(there) if there else [wrong("pod", f"it ended {' '.join(pod.ended) or pod.reason}. Its log:\n{log}")]
            if time.monotonic() > deadline:
                events = client.events(*(("Pod", pod.name) if pod else ("Job", self.name)))
                why = obstacle(pod, events)
                said = f"{why}. What to do: {why.advice}" if why else "Kubernetes does not say why: try again with a longer --wait"
                return [wrong("pod", f"it has not ended within {seconds:.0f} s: {said}")]
            time.sleep(POLL_SECONDS)

    def _judged(self, there: Facts) -> list[Line]:
        other = [
            f"{name} is {there.packages[name] or 'missing'} in the image, and {here} here: build the image anew, or use its version here"
            for name, here in packages().items()
            if here and there.packages[name] != here
        ]
        folders = [
            f"{called} ({folder}) in the pod is not the one that is here: correct volumes and volume_mounts in the launcher's config"
            for called, folder in self.folders.items()
            if there.read.get(str(folder)) != self.name[::-1]
        ]
        folders += [
            f"{folder} cannot be written to by user {there.user_id} ({why}): set fs_group" for folder, why in there.unwritable.items()
        ]
        problem = there.database_problem or ("" if there.database == self.name[::-1] else "it is another database than the one here")
        said = f"{problem}: correct storage, env_secrets or the network, so that pods reach the database"
        token = ["a pod has a token for the API server: set automount_service_account_token: false"] if there.has_token else []
        return [
            ok("pod", f"it ran on the node {there.node} as user {there.user_id}, and this is what it saw there:"),
            *judged("image", other, "the same packages as here"),
            *judged("volumes", folders, "WORKDIR and report_folder are those that are here, and writable"),
            *judged("database from a pod", [said] if problem else [], "the same database as here"),
            *judged("token", token, "the pod has none"),
        ]
