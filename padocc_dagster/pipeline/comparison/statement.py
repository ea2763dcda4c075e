"""What a comparison proved and read, how, and for how many files, in sentences for a report."""

from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.plans import Plan
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.times import IN_WORDS

MOST_NAMES = 6


def statement(request: Request, plans: dict[str, Plan], files: int, read_whole: int, drawn: str) -> str:
    """The sentences. `read_whole` counts the files whose every variable was read; `drawn` says how they were chosen, where they were."""
    proved = [name for name, plan in plans.items() if plan.proved]
    in_full = [name for name, plan in plans.items() if not plan.proved and plan.compared >= files]
    sentences = []
    if proved:
        least = (
            min(plans[name].proved for name in proved if plans[name].reader.placed) if any(plans[n].reader.placed for n in proved) else 1
        )
        kinds = len({number for name in proved for number in plans[name].kinds.values()})
        sentences.append(
            f"every reference of {_names(proved)} was held against the chunk index of its file, in {least} of {files} files; "
            f"values were read in {kinds} of them, one of each kind of storage and encoding"
        )
    if in_full and len(in_full) < len(plans):
        sentences.append(f"the values of {_names(in_full)} were read in every file")
    if read_whole == files and files:
        sentences.append(f"all {files} source files were compared in full")
    elif read_whole:
        sentences.append(f"{read_whole} of {files} source files were compared in full" + (f": {drawn}" if drawn else ""))
    partly = [name for name, plan in plans.items() if plan.compared + plan.proved < files and plan.reader.placed]
    if partly:
        sentences.append(f"not read, and not proved, in other files: {_names(partly)}")
    if any(_is_timed(variable.encoding) for plan in plans.values() for variable, found in plan.changed.items() if found):
        sentences.append(f"times in other units are equal {IN_WORDS}")
    return "; ".join(sentences) or "nothing was compared"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _is_timed(encoding: Encoding) -> bool:
    return encoding.is_time or encoding.is_duration
