"""One run through all phases, as Dagster shows it: what passed is green, what did not is red with its reason, and nothing follows it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.dagster_private import check_results
from padocc_dagster.definitions import defs
from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.call import OperationFailedError
from padocc_dagster.pipeline.running.due import HELD_BACK
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict

KEY = "g:a"
CHAIN = ["scan_report", "cloud_product", "validation_report", "completed_product"]
CHECKS = {"scan_report": "scan_succeeded", "cloud_product": "product_matches_source", "validation_report": "validation_passed"}


@dataclass
class Chain:
    """Phases that end as a test says, in a real run."""

    instance: dg.DagsterInstance
    ends: dict[str, Any] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)

    def phase(self, name: str) -> Any:
        def run(workdir: Workdir, project: Project, *_: Any, **__: Any) -> Any:
            self.begun.append(name)
            end = self.ends.get(name, Verdict.OK)
            if isinstance(end, Exception):
                raise end
            if end == HELD_BACK:
                return Outcome(name, Verdict.SKIPPED, "", HELD_BACK, "its validation warns of x")
            if name == "verify":
                return compared(end)
            return Outcome(name, end, "Success" if end is Verdict.OK else "(K)Fatal-data_errors", "" if end is Verdict.OK else "X", row=7)

        return run

    def run(self, job: str = "advance_project") -> dg.ExecuteInProcessResult:
        found = defs.resolve_job_def(job)
        given: dict[str, Any] = {"partition_key": KEY} if job == "advance_project" else {"tags": {"dagster/partition": KEY}}
        return found.execute_in_process(instance=self.instance, raise_on_error=False, **given)

    def materialized(self) -> list[str]:
        return [asset for asset in CHAIN if KEY in self.instance.get_materialized_partitions(dg.AssetKey(asset))]

    def checks(self) -> dict[str, bool]:
        found = {}
        for asset, check in CHECKS.items():
            results = check_results(self.instance, dg.AssetCheckKey(dg.AssetKey(asset), check), [KEY])
            found |= {check: results[KEY]} if results else {}
        return found


def compared(end: Any) -> Comparison:
    problems = () if end is Verdict.OK else ("variable tas differs from file_3.nc: 4 of 20 values differ",)
    return Comparison("p", "kerchunk", problems, (), (), 3, 3, "3 source files were compared in full", (), "f" * 64, "s" * 64, 0.1)


def failure(result: dg.ExecuteInProcessResult) -> tuple[str, str]:
    """The step that failed, and its first line."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    return str(event.step_key), str(told.description if told else "").splitlines()[0]


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    for module in ("padocc_dagster.assets.cloud_product", "padocc_dagster.assets.validation"):
        monkeypatch.setattr(f"{module}.differences", lambda *_: {})
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("projects", [KEY])
        chain = Chain(instance)
        for name in ("scan", "compute", "verify", "validate"):
            monkeypatch.setattr(phases, name, chain.phase(name))
        monkeypatch.setattr(phases, "publish", chain.phase("complete"))
        yield chain


def test_a_project_that_passes_is_green_from_the_scan_to_the_publication(chain: Chain) -> None:
    assert chain.run().success
    assert chain.begun == ["scan", "compute", "verify", "validate", "complete"]
    assert chain.materialized() == CHAIN
    assert chain.checks() == dict.fromkeys(CHECKS.values(), True)


def test_a_product_that_differs_is_red_and_its_check_says_why(chain: Chain) -> None:
    chain.ends["verify"] = Verdict.FAILED
    result = chain.run()
    step, why = failure(result)
    assert (step, "variable tas differs from file_3.nc" in why) == ("cloud_product", True)
    assert chain.materialized() == ["scan_report"]
    assert chain.checks() == {"scan_succeeded": True, "product_matches_source": False}
    assert "validate" not in chain.begun


def test_a_comparison_that_could_not_end_is_red_too(chain: Chain) -> None:
    chain.ends["verify"] = OperationFailedError("OSError", "the file system is gone")
    result = chain.run()
    assert failure(result)[1].endswith("the product could not be compared with its sources: OSError: the file system is gone")
    assert chain.checks()["product_matches_source"] is False and "validate" not in chain.begun


def test_a_validation_that_found_something_fatal_is_red_with_its_report(chain: Chain) -> None:
    chain.ends["validate"] = Verdict.FAILED
    result = chain.run()
    assert failure(result)[0] == "validation_report"
    assert chain.materialized() == ["scan_report", "cloud_product"]
    assert chain.checks()["validation_passed"] is False and "complete" not in chain.begun


@pytest.mark.parametrize("phase", ["scan", "compute", "verify", "validate", "complete"])
def test_a_failed_partition_shows_the_problem_and_what_to_do(chain: Chain, phase: str) -> None:
    chain.ends[phase] = Verdict.FAILED
    asset = dict(zip(("scan", "compute", "verify", "validate", "complete"), (*CHAIN[:2], *CHAIN[1:]), strict=True))[phase]
    step, why = failure(chain.run())
    (record,) = chain.instance.fetch_observations(dg.AssetKey(asset), limit=5).records
    observed = record.event_log_entry.asset_observation
    assert step == asset and record.partition_key == KEY and observed is not None
    assert (observed.description or "").startswith(why) and {"what it means", "what to do"} <= observed.metadata.keys()


def test_a_scan_that_failed_is_red_and_nothing_is_computed(chain: Chain) -> None:
    chain.ends["scan"] = Verdict.FAILED
    result = chain.run()
    assert failure(result)[0] == "scan_report"
    assert (chain.materialized(), chain.checks(), chain.begun) == ([], {"scan_succeeded": False}, ["scan"])


def test_the_comparison_alone_computes_nothing(chain: Chain) -> None:
    assert chain.run("compare_products").success
    assert chain.begun == ["verify"]
    assert chain.checks() == {"product_matches_source": True}


def test_a_publication_that_a_rule_holds_back_fails_nothing(chain: Chain) -> None:
    chain.ends["complete"] = HELD_BACK
    assert chain.run().success
    assert chain.materialized() == CHAIN[:-1]
