"""The doctor on a real cluster: what is well is said to be, and what a pod lacks is said with what to do."""

from padocc_dagster.doctor.examination import examine
from padocc_dagster.doctor.line import Line, Verdict
from padocc_dagster_tests.kubernetes.live.conftest import LiveKubernetes

CHECKED = ("API server", "rights", "default allocation", "largest allocation", "pod", "image", "volumes", "database from a pod", "token")


def test_all_of_it_is_well_on_the_private_cluster_and_nothing_stays_behind(live: LiveKubernetes) -> None:
    lines: list[Line] = list(examine(live.services.home, True, 120))
    found = {line.subject: line for line in lines}
    assert [found[subject].verdict for subject in CHECKED] == [Verdict.OK] * len(CHECKED), lines
    assert [line.subject for line in lines if line.verdict is Verdict.WRONG] == ["storage"], "SQLite serves one host only"
    jobs = live.cluster.request("GET", "/apis/batch/v1/namespaces/padocc/jobs")["items"]
    assert not [job for job in jobs if "doctor" in job["metadata"]["name"]]
    assert not list(live.services.home.workdir.root.glob(".doctor-*"))
