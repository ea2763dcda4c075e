"""Requests to the API server: all of them are here, each with a time limit, for without one a silent server halts the daemon.

Answers are plain JSON. An error is either no answer, after which the same request is made later, or a refusal, which a person must see.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import kubernetes
import urllib3
from dagster_k8s.client import PatchedApiClient
from kubernetes.client.rest import ApiException

from padocc_dagster.kubernetes.observed import RUN_ID, Event, Job, Pod, event, job, pod

AT_ONCE = 100
"""Runs in one request: their ids are part of its address."""
TRANSIENT = frozenset({0, 408, 429, 500, 502, 503, 504})
LOG_LINES = 20


class NoAnswerError(Exception):
    """The API server did not answer, or not now."""


class RefusedError(Exception):
    """The API server refuses the request; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class PatientApiClient(PatchedApiClient):
    """The library's client, of which every request ends within so many seconds, and is made once."""

    def __init__(self, seconds: float) -> None:
        configuration = kubernetes.client.Configuration.get_default_copy()
        configuration.retries = urllib3.Retry(0)
        super().__init__(configuration)
        self._seconds = seconds

    def call_api(self, *arguments: Any, **options: Any) -> Any:
        if not options.get("_request_timeout"):
            options["_request_timeout"] = self._seconds
        return super().call_api(*arguments, **options)


class Client:
    """What the launcher requests of one namespace."""

    def __init__(self, batch: Any, core: Any, namespace: str) -> None:
        self._batch, self._core, self.namespace = batch, core, namespace

    def pods(self, run_ids: Iterable[str]) -> list[Pod]:
        """The pods of these runs. Raises NoAnswerError and RefusedError, as all of these do."""
        return [pod(item) for item in self._of_runs(self._core.list_namespaced_pod, run_ids)]

    def jobs(self, run_ids: Iterable[str]) -> list[Job]:
        """The Jobs of these runs."""
        return [job(item) for item in self._of_runs(self._batch.list_namespaced_job, run_ids)]

    def create_job(self, body: Any, dry_run: bool = False) -> bool:
        """Create a Job; False when there is one of that name. `dry_run`: the server checks it and creates nothing."""
        try:
            _answer(self._batch.create_namespaced_job, self.namespace, body, **({"dry_run": "All"} if dry_run else {}))
        except RefusedError as error:
            if error.status == 409:
                return False
            raise
        return True

    def delete_job(self, name: str) -> bool:
        """Delete a Job and its pods; False when it is gone."""
        try:
            _answer(self._batch.delete_namespaced_job, name, self.namespace, propagation_policy="Background")
        except RefusedError as error:
            if error.status == 404:
                return False
            raise
        return True

    def events(self, kind: str, name: str) -> list[Event]:
        """What was noted of an object, oldest first. Empty where that must not be read, or is not answered: it only explains."""
        selector = f"involvedObject.kind={kind},involvedObject.name={name}"
        try:
            return [event(item) for item in _answer(self._core.list_namespaced_event, self.namespace, field_selector=selector)["items"]]
        except (NoAnswerError, RefusedError):
            return []

    def last_lines(self, pod_name: str) -> str:
        """The end of a pod's log. Empty when it cannot be read: it only explains."""
        try:
            answer = self._core.read_namespaced_pod_log(pod_name, self.namespace, tail_lines=LOG_LINES, _preload_content=False)
            return str(answer.data.decode(errors="replace")).strip()
        except (ApiException, urllib3.exceptions.HTTPError, OSError):
            return ""

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether this user may do that in the namespace, as the server says."""
        what = {"namespace": self.namespace, "verb": verb, "group": group, "resource": resource.partition("/")[0]}
        what |= {"subresource": resource.partition("/")[2]} if "/" in resource else {}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": what}}
        create = kubernetes.client.AuthorizationV1Api(self._core.api_client).create_self_subject_access_review
        return bool(_answer(create, review)["status"].get("allowed"))

    def version(self) -> str:
        """The server's version: v1.31.2."""
        return str(_answer(kubernetes.client.VersionApi(self._core.api_client).get_code)["gitVersion"])

    def _of_runs(self, listing: Callable[..., Any], run_ids: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        ids = sorted(run_ids)
        for first in range(0, len(ids), AT_ONCE):
            selector = f"{RUN_ID} in ({','.join(ids[first : first + AT_ONCE])})"
            yield from _answer(listing, self.namespace, label_selector=selector)["items"]


def _answer(request: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The answer of a request, as plain JSON."""
    try:
        return json.loads(request(*arguments, _preload_content=False, **options).data)
    except ApiException as error:
        message = _message(error)
        if (error.status or 0) in TRANSIENT:
            raise NoAnswerError(message) from None
        raise RefusedError(int(error.status), message) from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise NoAnswerError(f"{type(error).__name__}: {error}") from None


def _message(error: ApiException) -> str:
    """The server's own sentence, or its status."""
    try:
        said = str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        said = ""
    return said or f"{error.status} {error.reason}"
