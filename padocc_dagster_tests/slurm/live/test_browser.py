"""What a person sees of a run's job in the browser."""

from playwright.sync_api import Page

from padocc_dagster_tests.slurm.live.conftest import LiveSlurm


def test_the_run_page_tells_how_the_job_ended_what_it_used_and_what_happens_next(live: LiveSlurm, page: Page) -> None:
    first = live.launch("story", mib=1500)
    again = live.wait_for_last(first, "SUCCESS")[-1]
    page.goto(f"{live.services.url}/runs/{first}")
    page.get_by_text("OUT_OF_MEMORY").first.wait_for()
    page.get_by_text("Next: Dagster retries it as attempt 2 of at most 5, requesting time=00:20:00 memory=2G").first.wait_for()
    page.get_by_text(f"scontrol show job {live.job(first)}").first.wait_for()
    page.goto(f"{live.services.url}/runs/{again.run_id}")
    page.get_by_text(f"SLURM job {live.job(again.run_id)} submitted: time=00:20:00 memory=2G cpus=1").first.wait_for()


def test_the_run_page_tells_why_a_job_waits_and_what_to_do(live: LiveSlurm, page: Page) -> None:
    waiting = live.launch("waits", {"slurm/partition": "tiny", "slurm/time": "60"})
    live.wait("the reason", lambda: "PartitionTimeLimit" in live.events_text(waiting))
    page.goto(f"{live.services.url}/runs/{waiting}")
    page.get_by_text("waits: PartitionTimeLimit. It means: ").first.wait_for()
    assert live.terminate(waiting, force=True)["__typename"] == "TerminateRunSuccess"
    live.wait("its job to be gone", lambda: not live.cluster.command("squeue", "--noheader", "--partition=tiny").strip())
