"""A run becomes a Job of the right size, exactly once; what cannot become one is said in words."""

import json
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import pytest

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.creation import Creation
from padocc_dagster_tests.kubernetes.desk import Desk
from padocc_dagster_tests.kubernetes.pretended import Fault

CONFIG = "dagster-k8s/config"


def config(**parts: Any) -> dict[str, str]:
    return {CONFIG: json.dumps(parts)}


def resources(**amounts: Any) -> dict[str, str]:
    return config(container_config={"resources": amounts})


def test_a_run_becomes_one_job_with_its_sizes_its_deadline_and_its_host(desk: Desk) -> None:
    run = desk.launch({"padocc/memory": "3G", "padocc/time": "90", "padocc/cpus": "2"})
    spec = desk.spec(run)
    assert spec["containers"][0]["resources"] == {"requests": {"memory": "3072Mi", "cpu": "2"}, "limits": {"memory": "3072Mi"}}
    assert spec["activeDeadlineSeconds"] == 5400 and spec["restartPolicy"] == "Never"
    report = str(desk.launcher.settings.report(run.run_id))
    assert spec["containers"][0]["command"] == ["python", "-m", "padocc_dagster.kubernetes.pod.host", "--report", report, "--"]
    assert spec["containers"][0]["args"][:5] == ["python", "-m", "dagster", "api", "execute_run"]
    assert desk.own(run)[tags.STATE] == tags.CREATED and "created: time=01:30:00 memory=3G cpus=2" in desk.events_text(run)


def test_a_run_without_sizes_gets_the_default(desk: Desk) -> None:
    run = desk.with_settings(default_allocation={"time": "30", "memory": "700M"}).launch()
    assert desk.spec(run)["containers"][0]["resources"] == {"requests": {"memory": "700Mi"}, "limits": {"memory": "700Mi"}}
    assert desk.spec(run)["activeDeadlineSeconds"] == 1800


def test_a_site_s_own_pod_settings_stay_beside_the_sizes(desk: Desk) -> None:
    security = {
        "container_config": {"security_context": {"read_only_root_filesystem": True}},
        "pod_spec_config": {"node_selector": {"a": "b"}},
    }
    site = desk.with_settings(run_k8s_config=security, resources={"limits": {"ephemeral-storage": "1Gi", "memory": "9Gi"}})
    spec = desk.spec(site.launch({"padocc/memory": "1G"}))
    assert spec["nodeSelector"] == {"a": "b"} and spec["containers"][0]["securityContext"] == {"readOnlyRootFilesystem": True}
    assert spec["containers"][0]["resources"]["limits"] == {"ephemeral-storage": "1Gi", "memory": "1024Mi"}


@pytest.mark.parametrize(
    ("own", "requests"),
    [
        (resources(limits={"memory": "3Gi"}), {"memory": "3072Mi"}),
        (resources(requests={"memory": "1500M"}), {"memory": "1431Mi"}),
        (resources(requests={"memory": "1Gi"}, limits={"memory": "2Gi"}), {"memory": "2048Mi"}),
        (resources(requests={"memory": "1.5Gi", "cpu": "500m"}), {"memory": "1536Mi", "cpu": "500m"}),
    ],
)
def test_what_a_person_requests_by_dagster_k8s_config_counts(desk: Desk, own: dict[str, str], requests: dict[str, str]) -> None:
    run = desk.launch(own)
    assert desk.spec(run)["containers"][0]["resources"]["requests"] == requests
    assert desk.spec(run)["containers"][0]["resources"]["limits"]["memory"] == requests["memory"]


def test_a_deadline_by_dagster_k8s_config_counts(desk: Desk) -> None:
    run = desk.launch(config(pod_spec_config={"active_deadline_seconds": 7200}))
    assert desk.spec(run)["activeDeadlineSeconds"] == 7200 and desk.own(run)[batch.REQUESTED].startswith("time=02:00:00")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (resources(limits={"memory": "lots"}), "container_config.resources.limits.memory is 'lots'"),
        (resources(limits={"memory": "-1Gi"}), "write an amount such as 2Gi"),
        (resources(requests={"cpu": "0"}), "write an amount such as 500m"),
        (resources(limits={"memory": "64Gi"}), "64G was cut to 4G"),
        (
            {**resources(limits={"memory": "1Gi"}), "padocc/memory": "2G"},
            "padocc/memory and dagster-k8s/config both request memory: keep one",
        ),
        (config(pod_spec_config={"active_deadline_seconds": -5}), "write a whole number of seconds"),
        (config(job_spec_config={"active_deadline_seconds": 60}), "write it in pod_spec_config"),
        (config(job_spec_config={"backoff_limit": 3}), "a retry is a run of its own"),
        (config(pod_spec_config={"restart_policy": "OnFailure"}), "would not continue the run"),
        (config(pod_spec_config={"no_such_field": 1}), "no_such_field"),
        (config(no_such_part={}), "dagster-k8s/config"),
        ({CONFIG: "{"}, "dagster-k8s/config"),
        ({"padocc/memory": "64G"}, "64G was cut to 4G"),
        ({"padocc/time": "soon"}, "HH:MM:SS"),
    ],
)
def test_what_cannot_be_a_pod_fails_the_run_with_what_is_wrong_and_creates_nothing(desk: Desk, own: dict[str, str], said: str) -> None:
    run = desk.with_settings(largest_allocation={"memory": "4G"}).launch(own)
    assert desk.status(run) == "FAILURE" and said in desk.events_text(run) and "run it again" in desk.events_text(run)
    assert not desk.api.jobs and desk.now(run).tags[batch.MAX_RETRIES] == "0"


def test_a_password_in_dagster_yaml_itself_reaches_no_pod(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = desk.instance.get_ref()
    literal = reference._replace(
        run_storage_data=reference.storage_data and reference.storage_data._replace(config_yaml="{password: hush}")
    )
    monkeypatch.setattr(desk.instance, "get_ref", lambda: literal)
    run = desk.launch()
    assert desk.status(run) == "FAILURE" and "holds a password itself (password): write {env: NAME}" in desk.events_text(run)
    assert not desk.api.jobs


def test_the_database_s_password_comes_from_its_secret(desk: Desk) -> None:
    run = desk.with_settings(postgres_password_secret="dagster-postgresql").launch()
    secret = {"name": "dagster-postgresql", "key": "postgresql-password"}
    assert {"name": "DAGSTER_PG_PASSWORD", "valueFrom": {"secretKeyRef": secret}} in desk.spec(run)["containers"][0]["env"]


@pytest.mark.parametrize(
    ("status", "message"), [(403, "jobs.batch is forbidden"), (422, "spec is invalid"), (404, 'namespaces "padocc" not found')]
)
def test_what_the_server_refuses_is_said_in_its_words_and_not_tried_again(desk: Desk, status: int, message: str) -> None:
    desk.api.faults.append(Fault("POST", "/jobs", status, message))
    run = desk.launch()
    assert desk.status(run) == "FAILURE" and message in desk.events_text(run)
    assert len(desk.api.created()) == 1 and desk.now(run).tags[batch.STOPPED] == "yes"


@pytest.mark.parametrize("after", [False, True], ids=["not carried out", "carried out all the same"])
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"status": 429}, {"status": 0}, {"status": 201, "seconds": 1.5}])
def test_a_server_that_does_not_answer_gets_the_job_later_and_only_once(desk: Desk, fault: dict[str, Any], after: bool) -> None:
    desk.api.faults.append(Fault("POST", "/jobs", **fault, after=after, times=1))
    run = desk.launch()
    assert desk.status(run) == "STARTING" and "has not taken the Job yet" in desk.events_text(run)
    desk.look()
    assert len(desk.api.created()) == 1, "the process that launches has half a minute"
    late(desk)
    assert len(desk.api.jobs) == 1 and desk.own(run)[tags.STATE] == tags.CREATED
    assert ("was there already" in desk.events_text(run)) == after


def test_a_job_that_is_there_already_is_taken_over(desk: Desk) -> None:
    first = desk.launch()
    desk.instance.add_run_tags(first.run_id, {tags.STATE: tags.CREATING})
    desk.launcher.creation.create(first.run_id)
    assert len(desk.api.jobs) == 1 and "was there already and is taken over" in desk.events_text(first)


STEPS: dict[str, Callable[[Any], None]] = {
    "before anything is written": lambda patched: patched.setattr(Creation, "_marks", _die),
    "before the Job is created": lambda patched: patched.setattr("padocc_dagster.kubernetes.client.Client.create_job", _die),
    "after the Job was created": lambda patched: patched.setattr("padocc_dagster.kubernetes.runs.creation.add_event", _die),
    "before the Job is recorded": lambda patched: _die_after_creation(patched),
}


def _die(*_: Any, **__: Any) -> None:
    os._exit(9)


def _die_after_creation(patched: Any) -> None:
    from padocc_dagster.kubernetes.client import Client

    create = Client.create_job

    def create_and_die(*arguments: Any) -> None:
        create(*arguments)
        os._exit(9)

    patched.setattr(Client, "create_job", create_and_die)


@pytest.mark.parametrize("step", STEPS)
def test_a_daemon_killed_while_it_launches_leaves_a_run_that_gets_exactly_one_job(desk: Desk, step: str) -> None:
    run = desk.run()

    def launch_and_die() -> None:
        with pytest.MonkeyPatch.context() as patched:
            STEPS[step](patched)
            desk.launcher.creation.create(run.run_id)

    child = multiprocessing.get_context("fork").Process(target=launch_and_die)
    child.start()
    child.join(20)
    assert child.exitcode == 9 and desk.status(run) == "STARTING"
    late(desk)
    assert list(desk.api.jobs) == [f"dagster-run-{run.run_id}"]
    assert desk.own(run)[tags.STATE] == tags.CREATED


def test_tags_copied_from_another_run_are_not_believed(desk: Desk) -> None:
    first = desk.at_work({"padocc/memory": "1G"})
    desk.end(first)
    desk.report(first, signal=9)
    desk.look()
    copied = {name: value for name, value in desk.now(first).tags.items() if name.startswith(("padocc/", "kubernetes/"))}
    run = desk.launch({**copied, "padocc/memory": "2G"})
    own = desk.own(run)
    assert own[batch.REQUESTED].split()[1] == "memory=2G" and own[batch.CAUSE] == batch.NOTHING


def late(desk: Desk) -> None:
    """A pass half a minute later."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("padocc_dagster.kubernetes.runs.reconcile.LATE_SECONDS", 0.0)
        desk.look()
