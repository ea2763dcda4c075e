"""All explanations, and which one belongs to a status or an error class."""

from padocc_dagster.pipeline.remedies import own, padocc, tries
from padocc_dagster.pipeline.remedies.words import Explanation
from padocc_dagster.pipeline.workdir.status import error_class_in

EXPLANATIONS: dict[str, Explanation] = {
    **own.PYTHON,
    **own.SIGNALS,
    **padocc.STATUSES,
    **padocc.CLASSES,
    **own.CLASSES,
}
BEGINNINGS = ("Warn-ticked by", "Fatal", "Warn", "ExitStatus", "Signal", "SIG")
"""Names that stand for all that begin so, the longest first."""
UNKNOWN = Explanation(
    "something failed for which neither PADOCC nor this package has advice; the log says more", (tries.READ_LOG, tries.AGAIN, tries.GIVE_UP)
)


def remedy_for(error_class: str | None) -> Explanation:
    """What an error class means, or a status of PADOCC's that names one, as in `(V>K)Failed-KeyError`, and what to try."""
    name = error_class_in(error_class or "").split(":")[0].strip()
    for known in (name, name.rpartition(".")[2]):
        if known in EXPLANATIONS:
            return EXPLANATIONS[known]
    return next((EXPLANATIONS[beginning] for beginning in BEGINNINGS if name.startswith(beginning)), UNKNOWN)
