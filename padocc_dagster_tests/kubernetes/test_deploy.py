"""deploy/kubernetes: the manifests are valid, narrow and closed; what they configure is accepted by Dagster and by the launcher."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster._core.launcher import RunLauncher
from dagster._serdes import ConfigurableClassData
from packaging.requirements import Requirement

from padocc_dagster.dagster_private import validate_settings
from padocc_dagster.doctor.demand import demand_problems, storage_problems
from padocc_dagster.doctor.kubernetes import RIGHTS
from padocc_dagster_tests.cleanup import ROOT
from padocc_dagster_tests.kubernetes.desk import Desk
from padocc_dagster_tests.kubernetes.pretended import kubeconfig
from padocc_dagster_tests.kubernetes.test_schemas import VERSIONS

DEPLOY = ROOT / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
SECURE = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
DATABASE = ("HOST", "NAME", "USER", "PASSWORD")


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """What `kubectl apply --kustomize` would create."""
    made = subprocess.run([KUBECTL, "kustomize", DEPLOY], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(made.stdout))


def of_kind(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in manifests if each["kind"] == kind]


def launcher_of(name: str) -> dict[str, Any]:
    """The launcher's part of one of the two configurations."""
    values = yaml.safe_load((DEPLOY / name).read_text())
    return values["run_launcher"] if name == "dagster.yaml" else values["runLauncher"]["config"]["customRunLauncher"]


def test_the_manifests_are_valid_for_every_version(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        for each in VERSIONS:
            kubernetes_validate.validate(manifest, each, strict=True)


def test_the_services_may_do_what_the_launcher_does_and_no_more(manifests: list[dict[str, Any]]) -> None:
    (role,) = of_kind(manifests, "Role")
    granted = [(v, g, r) for rule in role["rules"] for v in rule["verbs"] for g in rule["apiGroups"] for r in rule["resources"]]
    assert sorted(granted) == sorted(RIGHTS)
    assert not of_kind(manifests, "ClusterRole")


def test_the_services_run_closed_and_only_once(manifests: list[dict[str, Any]]) -> None:
    (deployment,) = of_kind(manifests, "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] == 1 and deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert spec["securityContext"]["runAsNonRoot"] and all(each["securityContext"] == SECURE for each in spec["containers"])
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_nothing_is_mounted_inside_a_volume_and_the_settings_are_in_place_before_the_services_begin(
    manifests: list[dict[str, Any]],
) -> None:
    (pod,) = (each["spec"]["template"]["spec"] for each in of_kind(manifests, "Deployment"))
    (first,) = pod["initContainers"]
    for container in (first, *pod["containers"]):
        places = [Path(each["mountPath"]) for each in container["volumeMounts"]]
        assert not [place for place in places if set(place.parents) & set(places)], "root would own the folder that the mount makes"
        assert container["securityContext"] == SECURE
    assert "cp /settings/dagster.yaml /work/dagster/dagster.yaml" in first["args"][-1]


def test_a_run_gets_no_token(manifests: list[dict[str, Any]]) -> None:
    accounts = {each["metadata"]["name"]: each for each in of_kind(manifests, "ServiceAccount")}
    assert accounts["padocc-dagster-run"]["automountServiceAccountToken"] is False
    bound = {subject["name"] for each in of_kind(manifests, "RoleBinding") for subject in each["subjects"]}
    assert bound == {"padocc-dagster"}


def test_the_web_server_is_open_to_labelled_pods_alone(manifests: list[dict[str, Any]]) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(manifests, "NetworkPolicy")}
    (rule,) = policies["padocc-dagster-services"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"padocc-dagster/may-reach": "web-server"}}}]
    assert "ingress" not in policies["padocc-dagster-runs"]


def test_no_password_is_in_any_file() -> None:
    texts = {path.name: re.sub("#.*", "", path.read_text()) for path in DEPLOY.iterdir()}
    assert not [name for name, text in texts.items() if re.search(r"(?i)password:\s+(?!\{env)[\w\"']", text)]


def test_the_settings_are_what_dagster_and_the_launcher_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DATABASE:
        monkeypatch.setenv(f"PADOCC_DAGSTER_DB_{name}", "x")
    text = (DEPLOY / "dagster.yaml").read_text()
    values = yaml.safe_load(text)
    (tmp_path / "dagster.yaml").write_text(text)
    validate_settings(tmp_path)
    assert demand_problems(values, for_slurm=False) == [] and storage_problems(values, True) == []


def test_the_values_of_the_chart_configure_dagster_as_the_settings_do() -> None:
    values = yaml.safe_load((DEPLOY / "values.yaml").read_text())
    daemon = values["dagsterDaemon"]
    monitoring = {re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name): value for name, value in daemon["runMonitoring"].items()}
    queued = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    wanted = {**values["additionalInstanceConfig"], "run_monitoring": monitoring}
    wanted["concurrency"] = {"runs": {"max_concurrent_runs": queued["maxConcurrentRuns"]}}
    assert demand_problems(wanted, for_slurm=False) == []
    shipped = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert queued["tagConcurrencyLimits"] == shipped["concurrency"]["runs"]["tag_concurrency_limits"]


@pytest.mark.parametrize("name", ["dagster.yaml", "values.yaml"])
def test_the_launcher_takes_its_config_and_makes_closed_pods(
    desk: Desk, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKDIR", "/work")
    part = launcher_of(name)
    reach = {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig(tmp_path / "config", desk.api.url))}
    data = ConfigurableClassData(part["module"], part["class"], json.dumps({**part["config"], **reach}))
    launcher = data.rehydrate(as_type=RunLauncher)
    launcher.register_instance(desk.instance)
    run = desk.run()
    launcher.creation.create(run.run_id)
    spec = desk.spec(run)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] and container["securityContext"] == SECURE
    assert spec["automountServiceAccountToken"] is False and spec["serviceAccountName"] == "padocc-dagster-run"
    assert [mount["mountPath"] for mount in container["volumeMounts"] if mount.get("readOnly")] == ["/archive"]
    made = desk.api.jobs[f"dagster-run-{run.run_id}"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": made["metadata"], "spec": made["spec"]}
    for each in VERSIONS:
        kubernetes_validate.validate(job, each, strict=True)


def test_the_image_s_versions_are_those_that_the_package_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(line.split("==") for line in (DEPLOY / "constraints.txt").read_text().splitlines() if line and not line.startswith("#"))
    names = {name.lower().replace("_", "-"): number for name, number in pinned.items()}
    for text in (*project["dependencies"], *project["optional-dependencies"]["kubernetes"]):
        wanted = Requirement(text)
        assert names[wanted.name.lower()] in wanted.specifier, text
    assert names["dagster"] == version("dagster")
