"""What a comparison proved and read, how, and for how many files, in sentences for a report."""

from padocc_dagster.pipeline.comparison.case import Case
from padocc_dagster.pipeline.comparison.times import IN_WORDS
from padocc_dagster.pipeline.workdir.names import some

MOST_NAMES = 6


def statement(case: Case, drawn: str) -> str:
    """The sentences. `drawn` says how the files that were read in full were chosen; empty where all or none were."""
    plans, files, read_whole = case.plans, len(case.headers), case.files_compared
    proved = [name for name, plan in plans.items() if plan.proved]
    in_full = [name for name, plan in plans.items() if not plan.proved and plan.compared >= files]
    sentences = []
    if proved:
        least = min((plans[name].proved for name in proved if plans[name].reader.placed), default=1)
        kinds = len({number for name in proved for number in plans[name].kinds.values()})
        sentences.append(
            f"every reference of {some(proved, MOST_NAMES)} was held against the chunk index of its file, in {least} of {files} files; "
            f"values were read in {kinds} of them, one of each kind of storage and encoding"
        )
    if in_full and len(in_full) < len(plans):
        sentences.append(f"the values of {some(in_full, MOST_NAMES)} were read in every file")
    if read_whole == files and files:
        sentences.append(f"all {files} source files were compared in full")
    elif read_whole:
        sentences.append(f"{read_whole} of {files} source files were compared in full" + (f": {drawn}" if drawn else ""))
    partly = [name for name, plan in plans.items() if plan.compared + plan.proved < files and plan.reader.placed]
    if partly:
        sentences.append(f"not read, and not proved, in other files: {some(partly, MOST_NAMES)}")
    converted = [variable.encoding for plan in plans.values() for variable, found in plan.changed.items() if found]
    if any(encoding.is_time or encoding.is_duration for encoding in converted):
        sentences.append(f"times in other units are equal {IN_WORDS}")
    return "; ".join(sentences) or "nothing was compared"
