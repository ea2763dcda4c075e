"""What PADOCC's error classes mean and what its documentation advises (padocc 1.5.1, `core/errors.py`; its guide "Error handling")."""

from typing import NamedTuple

from padocc_dagster.pipeline.status import error_class_in


class Remedy(NamedTuple):
    """What an error class means, and what to try."""

    meaning: str
    advice: str


OTHER_AGGREGATOR = "materialise cloud_product with another aggregator (V or K), or with cloud_format zarr"
REMEDIES = {
    "AggregationError": Remedy("the aggregation dimension is not in order", f"scan the project again, then {OTHER_AGGREGATOR}"),
    "AlreadyPublishedError": Remedy("another product of this revision is published", "materialise cloud_product with new_version"),
    "ChunkDataError": Remedy("a chunk holds bytes that cannot be decoded", "look at the source files named, replace them, and scan again"),
    "ConcatFatalError": Remedy(
        "chunk shapes differ between files, which kerchunk cannot represent", "materialise cloud_product with cloud_format zarr"
    ),
    "CorruptFileError": Remedy("a file of the working directory is damaged", "initialise the project again: materialise `project`"),
    "Faultlisted": Remedy("the project was given up on", "take it off the group's faultlist.csv"),
    "GateClosedError": Remedy("the phase before has not passed", "do what the message says, then materialise this asset again"),
    "KerchunkDriverFatalError": Remedy("no driver can read the files' type", "look at the files named; leave them out or replace them"),
    "JobCancelled": Remedy("somebody, or an ending instance, stopped the run", "materialise this asset again"),
    "KeyError": Remedy(
        "PADOCC missed a name that it counts on, often the dimension along which the files follow each other",
        "read the phase log; give the files a coordinate that orders them, or leave out what differs",
    ),
    "LockedError": Remedy("somebody else is at work on the project", "wait until that run ends, then materialise again"),
    "MissingDataError": Remedy("source files are missing from the product", OTHER_AGGREGATOR),
    "NoOverwriteError": Remedy("an output exists already", "materialise cloud_product with new_version"),
    "PartialDriverError": Remedy("some of the files cannot be read by any driver", "leave out or replace the files named"),
    "ProductDiffersFromSource": Remedy("the product is not what its sources are", OTHER_AGGREGATOR),
    "ProductMissingError": Remedy("the product is gone from the working directory", "materialise cloud_product"),
    "SourceNotFoundError": Remedy("files moved since initialisation", "edit the pattern in the group config and drop it into the inbox"),
    "UnreadableSourceError": Remedy("source files are damaged or not NetCDF", "replace the files named, then materialise scan_report"),
    "ValidationError": Remedy("the product cannot be aligned with its sources", OTHER_AGGREGATOR),
    "WorkerDiedError": Remedy("the process was killed, often for want of memory", "give the run more memory and materialise again"),
}
UNKNOWN = Remedy("PADOCC has no advice for this error", "read the phase log; then change the config or the options and materialise again")


def remedy_for(error_class: str | None) -> Remedy:
    """The remedy of an error class, or of a status of PADOCC's that names one, as in `(V>K)Failed-KeyError`."""
    name = error_class_in(error_class or "")
    if name.startswith("Fatal-"):
        return Remedy("PADOCC's validation found a fatal difference", f"look at the findings, then {OTHER_AGGREGATOR}")
    return REMEDIES.get(name, UNKNOWN)
