"""The sensor `kubernetes_pods` is there where Kubernetes is used, and nowhere else."""

from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.sensors.kubernetes_pods import is_used, kubernetes_pods
from padocc_dagster_tests.kubernetes.desk import Desk


@pytest.mark.parametrize(
    ("text", "used"),
    [("run_launcher: {module: padocc_dagster.kubernetes}", True), ("run_launcher: {module: padocc_dagster.slurm}", False), (None, False)],
)
def test_it_is_there_where_dagster_yaml_names_the_launcher(
    text: str | None, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    if text:
        (tmp_path / "dagster.yaml").write_text(text)
    assert is_used() is used


def test_it_is_there_in_a_pod_where_no_dagster_yaml_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert is_used()


def test_it_does_nothing_for_another_launcher(desk: Desk) -> None:
    with dg.build_sensor_context(instance_ref=desk.instance.get_ref()) as context:
        skipped = kubernetes_pods(context)
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message == "The instance does not run on Kubernetes."
