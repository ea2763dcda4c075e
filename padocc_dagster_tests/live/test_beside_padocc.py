"""A real instance beside plain PADOCC: what its automation starts, what it leaves alone, and how soon it sees what somebody did."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster_tests.live.conftest import Live
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline import plain

RECOMPUTE = """
import sys
from padocc.core.utils import BypassSwitch
from padocc.phases.compute import KerchunkDS
options = {"groupID": "plain", "forceful": True, "bypass": BypassSwitch("DS"), "fh": "PhaseLog", "logid": "0"}
KerchunkDS("failed", sys.argv[1], label="compute", **options).run(mode="kerchunk", aggregator="V")
"""
CLOUD_PRODUCT = dg.AssetKey("cloud_product")
SERIES = Series(lat=12, lon=12)


def python(*arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, *arguments], check=True, env=environment, capture_output=True, cwd="/")


def failed_ticks(instance: dg.DagsterInstance) -> list[str]:
    """What went wrong in looks of any sensor."""
    from dagster._core.scheduler.instigation import TickStatus

    found = []
    for state in instance.all_instigator_state():
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, statuses=[TickStatus.FAILURE])
        found += [f"{state.instigator_name}: {tick.error.message if tick.error else ''}" for tick in ticks]
    return found


def test_a_group_of_plain_padocc_goes_on_from_where_it_stands_and_what_is_done_beside_shows_up(
    live: Live, record_property: Callable[[str, object], None]
) -> None:
    root = str(live.workdir.root)
    for number, code in enumerate(plain.FAR):
        write(live.sources / code, SERIES, number)
    python("-P", str(plain.__file__), root, str(live.sources))
    before = {code: len(live.rows(f"plain:{code}")) for code in plain.FAR}
    python("-m", "padocc_dagster.cli", "adopt", "-w", root, "--go", "--why", "a test")

    ended = [f"plain:{code}" for code in ("fresh", "scanned", "computed", "validated")]
    live.wait("publication", lambda: all(live.state(key).status == "Success" and live.state(key).phase == "complete" for key in ended))
    assert [row.phase for row in live.rows("plain:validated")] == ["init", "scan", "compute", "validate", "complete"]
    assert [row.phase for row in live.rows("plain:computed")].count("compute") == 1
    assert len(live.rows("plain:failed")) == before["failed"]
    assert len(live.rows("plain:given_up")) == before["given_up"]

    write(live.sources / "failed", SERIES, list(plain.FAR).index("failed"))
    python("-P", "-c", RECOMPUTE, root)
    begin = time.monotonic()
    live.wait("the computation by plain PADOCC", lambda: "plain:failed" in live.instance.get_materialized_partitions(CLOUD_PRODUCT))
    record_property("figure", f"what plain PADOCC did beside a live instance showed up after {time.monotonic() - begin:.0f} s")
    live.wait("publication of it", lambda: live.state("plain:failed").phase == "complete")
    assert [row.phase for row in live.rows("plain:failed")].count("compute") == 2
    assert live.workdir.comparison(Project("plain", "failed")).exists()
    assert failed_ticks(live.instance) == []
