"""The sensor `kubernetes_pods` and another launcher."""

import dagster as dg

from padocc_dagster.sensors.kubernetes_pods import kubernetes_pods
from padocc_dagster_tests.kubernetes.desk import Desk


def test_it_does_nothing_for_another_launcher(desk: Desk) -> None:
    with dg.build_sensor_context(instance_ref=desk.instance.get_ref()) as context:
        skipped = kubernetes_pods(context)
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message == "The instance does not run on Kubernetes."
