"""What a working directory and its instance do now, as metrics for Prometheus. Nothing is changed, and nothing runs between two scrapes.

padocc_projects{group, place}              published, at work, waiting, stopped, withdrawn: each project in one
padocc_projects_ended{group, phase, outcome}   by the end of their last phase
padocc_products{group, result}             published products, by what the watch over their sources found last
padocc_source_bytes, padocc_product_bytes, padocc_used_core_seconds{group}
padocc_runs{status}                        runs that wait or work in Dagster
padocc_requested_cpus, padocc_requested_memory_bytes    what the jobs of these have requested of a cluster
padocc_sensor_failed{sensor}, padocc_sensor_last_tick_timestamp_seconds{sensor}    the last look of each sensor that is on
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from padocc_dagster.batch import tags
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.pipeline.board import Facts, counted, read_facts
from padocc_dagster.pipeline.running.learning import busy_seconds
from padocc_dagster.pipeline.watch.last import Lasts
from padocc_dagster.pipeline.workdir.groups import last_change, list_groups
from padocc_dagster.pipeline.workdir.layout import Workdir

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun
    from prometheus_client.core import Metric

MOST_SECONDS = 120.0
"""How old the facts of a group may be that has not changed: that a phase began changes no status log."""
UNWATCHED = "not looked at yet"


@dataclass(eq=False)
class Metrics:
    """The metrics of one working directory, a collector as prometheus_client calls it; `instance` is None where only files are read."""

    workdir: Workdir
    instance: "DagsterInstance | None" = None
    _known: dict[str, tuple[str, float, list[Facts]]] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def collect(self) -> "list[Metric]":
        with self._one_at_a_time:
            return list(self._collect())

    def _collect(self) -> "Iterator[Metric]":
        groups = {group: self._facts(group) for group in list_groups(self.workdir)}
        yield _gauge("padocc_projects", "Projects in each place", ("group", "place"), _places(groups))
        yield _gauge("padocc_projects_ended", "Projects by the end of their last phase", ("group", "phase", "outcome"), _ends(groups))
        yield _gauge("padocc_products", "Published products by what was found last", ("group", "result"), self._products(groups))
        for name, (text, amount) in AMOUNTS.items():
            amounts: dict[tuple[str, ...], float] = {(group,): sum(map(amount, facts)) for group, facts in groups.items()}
            yield _gauge(name, text, ("group",), amounts)
        if self.instance is not None:
            yield from _of_dagster(self.instance)

    def _facts(self, group: str) -> list[Facts]:
        """The group's facts, read anew where it changed or they are old."""
        word, now = last_change(self.workdir, group), time.monotonic()
        known = self._known.get(group)
        if known is None or known[0] != word or now - known[1] > MOST_SECONDS:
            known = self._known[group] = word, now, read_facts(self.workdir, group)
        return known[2]

    def _products(self, groups: Mapping[str, list[Facts]]) -> Mapping[tuple[str, ...], float]:
        lasts = Lasts(self.workdir)
        found = ((group, lasts.of(each.published).result or UNWATCHED) for group in groups for each in groups[group] if each.published)
        return Counter(found)


def _used(facts: Facts) -> float:
    return sum(busy_seconds(past.used) for past in facts.past.values())


AMOUNTS = {
    "padocc_source_bytes": ("Bytes of the source files of scanned projects", lambda facts: facts.source_bytes),
    "padocc_product_bytes": ("Bytes of the products that were made", lambda facts: facts.product_bytes),
    "padocc_used_core_seconds": ("Seconds of work of the newest runs of each phase", _used),
}


def _places(groups: Mapping[str, list[Facts]]) -> Mapping[tuple[str, ...], float]:
    return {(group, place): number for group, facts in groups.items() for place, number in counted(facts).items()}


def _ends(groups: Mapping[str, list[Facts]]) -> Mapping[tuple[str, ...], float]:
    return Counter((group, each.state.phase, each.state.outcome) for group, facts in groups.items() for each in facts)


def _of_dagster(instance: "DagsterInstance") -> "Iterator[Metric]":
    from padocc_dagster.runs import NOT_FINISHED, unfinished

    runs = [record.dagster_run for record in unfinished(instance)]
    statuses: Counter[tuple[str, ...]] = Counter({(status,): 0 for status in NOT_FINISHED})
    statuses.update((run.status.value,) for run in runs)
    yield _gauge("padocc_runs", "Runs that wait or work", ("status",), statuses)
    cpus, mebibytes = _requested(runs)
    yield _gauge("padocc_requested_cpus", "CPUs requested by the jobs of these runs", (), {(): cpus})
    yield _gauge("padocc_requested_memory_bytes", "Memory requested by the jobs of these runs", (), {(): mebibytes * 2**20})
    failed: dict[tuple[str, ...], float] = {}
    looked: dict[tuple[str, ...], float] = {}
    for state in instance.all_instigator_state():
        if state.is_running and (ticks := instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)):
            failed[state.instigator_name,] = float(ticks[0].is_failure)
            looked[state.instigator_name,] = ticks[0].timestamp
    yield _gauge("padocc_sensor_failed", "Whether the last look of a sensor or schedule failed", ("sensor",), failed)
    yield _gauge("padocc_sensor_last_tick_timestamp_seconds", "When a sensor or schedule looked last", ("sensor",), looked)


def _requested(runs: "Iterable[DagsterRun]") -> tuple[int, int]:
    """CPUs and MiB."""
    texts = [tags.own(run.run_id, run.tags).get(tags.REQUESTED) for run in runs]
    found = [Allocation.parse(text) for text in texts if text]
    return sum(each.cpus or 1 for each in found), sum(each.memory_mib or 0 for each in found)


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric([str(each).encode("utf-8", "replace").decode() for each in key], value)
    return family
