"""The values of the product against those of the files, one file after another."""

from dataclasses import dataclass
from math import prod
from typing import Any

from padocc_dagster.pipeline.comparison.plans import Plan
from padocc_dagster.pipeline.comparison.reading import SMALL, blocks
from padocc_dagster.pipeline.comparison.report import Findings, in_words
from padocc_dagster.pipeline.comparison.sources import Header, SourceError, SourceVariable, opened, read_block
from padocc_dagster.pipeline.comparison.values import difference, join_characters


@dataclass(frozen=True)
class _Task:
    """One variable of one file."""

    variable: SourceVariable
    plan: Plan
    shape: tuple[int, ...]
    number: int
    """Of the file, in order."""
    path: str

    @property
    def is_small(self) -> bool:
        return prod(self.shape) * self.variable.itemsize <= SMALL


def compare_files(
    headers: list[Header], sources: tuple[str, ...], plans: dict[str, Plan], chosen: set[int], findings: Findings
) -> int:
    """Compare the chosen files in full, and of the others what is small or forced. Returns how many were compared in full."""
    compared = 0
    for number, header in enumerate(headers):
        tasks = [_Task(v, plans[v.name], header.shape(v), number, sources[number]) for v in header.variables if v.name in plans]
        tasks = [task for task in tasks if number in chosen or number in task.plan.forced or task.is_small]
        if not tasks:
            continue
        try:
            with opened(sources[number]) as dataset:
                for task in tasks:
                    _compare(task, dataset, findings)
        except SourceError as error:
            findings.problem("source files", str(error))
        compared += number in chosen
        if findings.enough:
            findings.inform(f"the comparison stopped after file {number + 1} of {len(headers)}: too much differs")
            break
    return compared


def _compare(task: _Task, dataset: Any, findings: Findings) -> None:
    """Compare a variable with its place in the product; the first block that differs says enough."""
    name = task.variable.name
    task.plan.compared += 1
    try:
        for key in blocks(task.shape, task.variable.itemsize):
            problem = _block_problem(task, dataset, key)
            if problem and _holds_no_data(task, dataset):
                findings.inform(f"variable {name} is a grid mapping, whose value means nothing (CF 5.6): {problem}")
            elif problem:
                where = "" if all(part.start == 0 for part in key) else f" in the block from {[part.start for part in key]}"
                note = "" if task.plan.reader.placed else "; it differs between files or changed, and the product keeps only one"
                findings.problem(f"values of {name}", f"variable {name} differs from {task.path}{where}: {problem}{note}")
                return
    except Exception as error:
        findings.problem(f"values of {name}", f"variable {name} cannot be compared with {task.path}: {in_words(error)}")


def _block_problem(task: _Task, dataset: Any, key: tuple[slice, ...]) -> str | None:
    plan, variable = task.plan, task.variable
    source = read_block(dataset, variable.name, key)
    if plan.joined:
        source, key = join_characters(source), key[:-1]
    product = plan.reader.whole(task.number, variable.itemsize) if task.is_small else plan.reader.block(task.number, key)
    return difference(source, product, variable.encoding, plan.product.encoding, raw=not plan.changed[variable])


def _holds_no_data(task: _Task, dataset: Any) -> bool:
    return task.shape == () and "grid_mapping_name" in dataset.variables[task.variable.name].ncattrs()
