"""The Jobs that are created are valid for every version of Kubernetes that people run."""

import json
from typing import Any

import kubernetes_validate
import pytest

from padocc_dagster_tests.kubernetes.desk import Desk

VERSIONS = [f"1.{minor}" for minor in range(28, 38)]


@pytest.fixture(params=["plain", "everything"])
def job(request: pytest.FixtureRequest, desk: Desk) -> dict[str, Any]:
    if request.param == "plain":
        run = desk.launch()
    else:
        config = {
            "container_config": {"resources": {"requests": {"memory": "1Gi", "cpu": "500m"}}, "env_from": [{"secret_ref": {"name": "s"}}]},
            "pod_spec_config": {"tolerations": [{"key": "a", "operator": "Exists"}], "termination_grace_period_seconds": 10},
            "pod_template_spec_metadata": {"annotations": {"a": "b"}},
        }
        first = desk.at_work({"padocc/time": "90"})
        desk.end(first, reason="", pod_reason="Evicted")
        desk.look()
        site = desk.with_settings(
            postgres_password_secret="dagster-postgresql",
            env_vars=["WORKDIR=/work"],
            volumes=[{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}],
            volume_mounts=[{"name": "work", "mountPath": "/work"}],
            image_pull_secrets=[{"name": "registry"}],
            security_context={"runAsNonRoot": True, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        )
        run = site.launch({"dagster/retry_number": "1", "dagster-k8s/config": json.dumps(config)}, parent=desk.now(first))
    return desk.api.jobs[f"dagster-run-{run.run_id}"]


def test_the_job_of_a_run_is_valid_for_every_version(job: dict[str, Any]) -> None:
    written = {"apiVersion": "batch/v1", "kind": "Job", **{part: job[part] for part in ("metadata", "spec")}}
    pod = {"apiVersion": "v1", "kind": "Pod", **{part: job["spec"]["template"][part] for part in ("metadata", "spec")}}
    for version in VERSIONS:
        kubernetes_validate.validate(written, version, strict=True)
        kubernetes_validate.validate(pod, version, strict=True)


def test_a_wrong_field_is_seen(job: dict[str, Any]) -> None:
    wrong = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {**job["spec"], "noSuchField": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)
