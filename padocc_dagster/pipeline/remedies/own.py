"""The error classes of this package, and those of Python and the libraries that a project meets."""

from padocc_dagster.pipeline.remedies import deeds
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy

INITIALISE = Remedy(
    "initialise the project again from what it was made from: edit any field, also to what it is", "edit {key} --set pattern={pattern}"
)
WAIT = Remedy("wait until whoever is at work on the project is done, then run the phase again", "{again} {key}")

CLASSES = {
    "AlreadyPublishedError": Explanation(
        "another product of this revision is published already, and a published product is never replaced",
        (deeds.COMPARE, deeds.NEW_VERSION),
    ),
    "CorruptFileError": Explanation("a file of the project's working directory is damaged or gone", (INITIALISE, deeds.REMOVE)),
    "GateClosedError": Explanation("the phase before it has not passed, so this one does not start", (deeds.READ_LOG, deeds.RESCAN)),
    "LockedError": Explanation("somebody else is at work on the project", (WAIT,)),
    "NotInSourceError": Explanation(
        "the config names a dimension or a variable that the source files do not have",
        (Remedy("take the field back, or edit it", "edit {key} --remove {field}"), deeds.ORDERED_BY),
    ),
    "ProductDiffersFromSource": Explanation(
        "the product does not hold what its source files hold",
        (deeds.ORDERED_BY, deeds.WITH_K, deeds.WITH_V, deeds.ZARR, deeds.THOROUGH, deeds.DROP),
    ),
    "ProductMissingError": Explanation("the product is gone from the working directory", (deeds.RECOMPUTE,)),
    "SourceError": Explanation("a source file has something that cannot be compared", (deeds.DROP, deeds.ANOTHER_PATTERN, deeds.GIVE_UP)),
    "UnreadableSourceError": Explanation(
        "source files are damaged or no NetCDF files", (deeds.RESCAN_REPLACED, deeds.ANOTHER_PATTERN, deeds.GIVE_UP)
    ),
    "WorkerDiedError": Explanation(
        "the process was killed before it could answer, mostly for want of memory", (deeds.MORE_MEMORY, deeds.AGAIN)
    ),
    "Faultlisted": Explanation(
        "the project was given up on: its group's faultlist.csv has it",
        (
            Remedy("take it off the group's faultlist.csv", "faultlist remove {key}"),
            deeds.REMOVE,
        ),
    ),
}

PYTHON = {
    "KeyError": Explanation(
        "PADOCC missed a name that it counts on, mostly the dimension along which the files follow each other",
        (deeds.ORDERED_BY, deeds.DROP, deeds.ZARR, deeds.GIVE_UP),
    ),
    "ValueError": Explanation(
        "PADOCC or a library was given something that it cannot work with; the message says what",
        (deeds.ORDERED_BY, deeds.ZARR, deeds.READ_LOG),
    ),
    "TypeError": Explanation(
        "PADOCC or a library met a value of a type that it does not know", (deeds.WITH_K, deeds.ZARR, deeds.DROP, deeds.READ_LOG)
    ),
    "AttributeError": Explanation("PADOCC met something that it does not expect in the files", (deeds.WITH_K, deeds.ZARR, deeds.READ_LOG)),
    "IndexError": Explanation("PADOCC looked for more than there is, in a file or a list", (deeds.RESCAN, deeds.THOROUGH, deeds.READ_LOG)),
    "NotImplementedError": Explanation("PADOCC or a library cannot do this (yet)", (deeds.WITH_K, deeds.ZARR, deeds.DROP)),
    "UnboundLocalError": Explanation("PADOCC lost its way between options that exclude each other", (deeds.KERCHUNK, deeds.RECOMPUTE)),
    "MergeError": Explanation("a variable without the dimension of aggregation differs from file to file", (deeds.SAME_IN_ALL, deeds.DROP)),
    "MemoryError": Explanation("memory ran out", (deeds.MORE_MEMORY,)),
    "OSError": Explanation(
        "a file could not be read or written: a full disk, a lost mount, or a damaged file", (deeds.DOCTOR, deeds.AGAIN)
    ),
    "FileNotFoundError": Explanation("a file is gone that was there before", (deeds.RESCAN, deeds.ANOTHER_PATTERN)),
    "PermissionError": Explanation("a file may not be read or written by who runs this", (deeds.DOCTOR, deeds.AGAIN)),
    "TimeoutError": Explanation("something did not answer in time, mostly a file system", (deeds.AGAIN, deeds.DOCTOR)),
    "OutOfBoundsDatetime": Explanation("times lie outside what pandas can hold", (deeds.WITHOUT_TIMES,)),
    "GroupNotFoundError": Explanation("a Zarr store is not there or not complete", (deeds.RECOMPUTE,)),
    "ModuleNotFoundError": Explanation("a package is missing where the work ran", (deeds.DOCTOR,)),
}
