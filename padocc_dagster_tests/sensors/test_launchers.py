"""The sensors `slurm_jobs` and `kubernetes_pods` are there where their launcher is, and nowhere else."""

from pathlib import Path

import pytest

from padocc_dagster.sensors import kubernetes_pods, slurm_jobs

SETTINGS = {
    "run_launcher: {module: padocc_dagster.slurm, class: SlurmRunLauncher}": (True, False),
    "run_launcher: {module: padocc_dagster.kubernetes, class: KubernetesRunLauncher}": (False, True),
    "run_launcher: {module: padocc_dagster.local, class: Launcher}  # no padocc_dagster.slurm": (False, False),
    "run_launcher: [": (False, False),
    "": (False, False),
}


@pytest.mark.parametrize(("text", "used"), SETTINGS.items())
def test_a_sensor_of_a_launcher_is_there_where_dagster_yaml_has_it(
    text: str, used: tuple[bool, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert (slurm_jobs.is_used(), kubernetes_pods.is_used()) == (False, False)
    (tmp_path / "dagster.yaml").write_text(text)
    assert (slurm_jobs.is_used(), kubernetes_pods.is_used()) == used


def test_pods_are_watched_in_a_pod_where_no_dagster_yaml_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert kubernetes_pods.is_used()
