"""The error classes of this package, those of Python and the libraries that a project meets, and signals."""

from padocc_dagster.pipeline.remedies import tries
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy

INITIALISE = Remedy(
    "initialise the project again from what it was made from: edit any field, also to what it is", "edit {key} --set pattern={present}"
)
WAIT = Remedy("wait until whoever is at work on the project is done, then run the phase again", "{again} {key}")

CLASSES = {
    "AlreadyPublishedError": Explanation(
        "another product of this revision is published already, and a published product is never replaced",
        (tries.COMPARE, tries.NEW_VERSION),
    ),
    "ConflictingMissingValuesError": Explanation(
        "a variable has a _FillValue and another missing_value, which xarray decodes and then cannot write",
        (tries.RAW_VALUES, tries.KERCHUNK),
    ),
    "CorruptFileError": Explanation("a file of the project's working directory is damaged or gone", (INITIALISE, tries.REMOVE)),
    "DifferingCoordinateError": Explanation(
        "a coordinate that the files share differs in its last digits, so that it looks like one along which they follow each other",
        (tries.SAME_COORDINATE, tries.SAME_COORDINATE_IN_KERCHUNK),
    ),
    "DifferingEncodingError": Explanation(
        "files store a variable in other types, filters or chunks than the others, and kerchunk references can hold one kind only",
        (tries.ZARR, tries.CFA),
    ),
    "DifferingCalendarError": Explanation("files count their times in different calendars, and a product has one", tries.OTHER_FILES),
    "DifferingGridError": Explanation(
        "files have other values of a coordinate that a product has once for all files",
        (tries.ANOTHER_PATTERN, tries.RESCAN_REPLACED, tries.GIVE_UP),
    ),
    "DifferingSharedVariableError": Explanation(
        "a variable that a product has once for all files is not the same in all of them",
        (tries.DROP, tries.SAME_IN_ALL, tries.ANOTHER_PATTERN, tries.GIVE_UP),
    ),
    "DifferingVariablesError": Explanation(
        "a variable is in some of the files only, and a product has it for all",
        (tries.DROP, tries.ANOTHER_PATTERN, tries.RESCAN_REPLACED, tries.GIVE_UP),
    ),
    "GroupsInSourceError": Explanation("files have groups, and a product keeps the root of a file only", tries.OTHER_FILES),
    "DifferingPackingError": Explanation(
        "files pack a variable with scales and offsets of their own, and references and Zarr stores can hold one of each only",
        (tries.CFA, tries.DROP),
    ),
    "DiskFullError": Explanation("a disk has no room left for what the phase writes; the message names it", (tries.MORE_ROOM,)),
    "EmptySourceError": Explanation("a source file has no step along a dimension that other files have", tries.OTHER_FILES),
    "GateClosedError": Explanation("the phase before it has not passed, so this one does not start", (tries.READ_LOG, tries.RESCAN)),
    "LockedError": Explanation("somebody else is at work on the project", (WAIT,)),
    "NoDriverError": Explanation(
        "no kerchunk driver (NetCDF3, HDF5, TIFF, GRIB) reads one of the source files, which the message names with each driver's reason",
        (tries.ZARR, tries.RESCAN_REPLACED, tries.ANOTHER_PATTERN, tries.GIVE_UP),
    ),
    "NoProgressError": Explanation(
        "the process read, wrote and logged nothing for the time that is allowed, so it was stopped; the stack of its threads ends the log",
        (tries.READ_LOG, tries.AGAIN, tries.DOCTOR, tries.GIVE_UP),
    ),
    "NotInSourceError": Explanation(
        "the config names a dimension or a variable that the source files do not have",
        (Remedy("take the field back, or edit it", "edit {key} --remove {field}"), tries.ORDERED_BY),
    ),
    "PartialChunksError": Explanation(
        "a source file ends in the middle of a chunk, so that in kerchunk references no other file can follow it", (tries.ZARR, tries.CFA)
    ),
    "ProductDiffersFromSource": Explanation(
        "the product does not hold what its source files hold",
        (tries.ORDERED_BY, tries.WITH_K, tries.WITH_V, tries.ZARR, tries.THOROUGH, tries.DROP),
    ),
    "ProductMissingError": Explanation("the product is gone from the working directory", (tries.RECOMPUTE,)),
    "SourceChangedError": Explanation(
        "source files of a published product are not what they were when it was published, so that readers may get other values from it",
        (tries.AUDIT, tries.ACCEPT, tries.NEW_VERSION_THEN_WITHDRAW, tries.WITHDRAW),
    ),
    "SourceError": Explanation("a source file has something that cannot be compared", (tries.DROP, tries.ANOTHER_PATTERN, tries.GIVE_UP)),
    "SourcesOverlapError": Explanation(
        "source files are the same file, or have the same place, along the dimension of aggregation", (tries.ANOTHER_PATTERN, tries.GIVE_UP)
    ),
    "TextsInAggregationError": Explanation(
        "files hold texts of variable length, at which the reader of CFA aggregations crashes", (tries.ZARR, tries.KERCHUNK)
    ),
    "UnreadableSourceError": Explanation("source files are damaged or no NetCDF files", tries.OTHER_FILES),
    "UnsupportedFilterError": Explanation("a variable has an HDF5 filter that kerchunk references cannot undo", (tries.ZARR, tries.CFA)),
    "WorkerDiedError": Explanation(
        "the process was killed before it could answer, mostly for want of memory", (tries.MORE_MEMORY, tries.AGAIN)
    ),
    "Faultlisted": Explanation(
        "the project was given up on: its group's faultlist.csv has it",
        (
            Remedy("take it off the group's faultlist.csv", "faultlist remove {key}"),
            tries.REMOVE,
        ),
    ),
}

LEAVE_OUT = (tries.ANOTHER_PATTERN_WITHOUT, tries.DROP, tries.GIVE_UP)
OTHERWISE_MADE = (tries.ZARR, tries.WITH_K, tries.WITH_V, tries.KERCHUNK, tries.THOROUGH, tries.DROP)
BY_REASON = {
    "values": OTHERWISE_MADE,
    "references": OTHERWISE_MADE,
    "storage": OTHERWISE_MADE,
    "type": OTHERWISE_MADE,
    "nearly shared": (tries.SAME_COORDINATE, tries.SAME_COORDINATE_IN_KERCHUNK, tries.ANOTHER_PATTERN_WITHOUT),
    "stacked": (tries.SAME_COORDINATE, tries.SAME_COORDINATE_IN_KERCHUNK, *LEAVE_OUT),
    "shared": LEAVE_OUT,
    "unjoined": (tries.ORDERED_BY, *LEAVE_OUT),
    "meaning": LEAVE_OUT,
    "units": LEAVE_OUT,
    "coordinates": LEAVE_OUT,
    "variables": (tries.DROP, tries.ANOTHER_PATTERN_WITHOUT, tries.GIVE_UP),
}
"""What helps where a product differs, by the kind of the first problem of the comparison (`comparison/report.py`)."""

PYTHON = {
    "KeyError": Explanation(
        "PADOCC missed a name that it counts on, mostly the dimension along which the files follow each other",
        (tries.ORDERED_BY, tries.DROP, tries.ZARR, tries.GIVE_UP),
    ),
    "ValueError": Explanation(
        "PADOCC or a library was given something that it cannot work with; the message says what",
        (tries.ORDERED_BY, tries.ZARR, tries.READ_LOG),
    ),
    "TypeError": Explanation(
        "PADOCC or a library met a value of a type that it does not know", (tries.WITH_K, tries.ZARR, tries.DROP, tries.READ_LOG)
    ),
    "AttributeError": Explanation("PADOCC met something that it does not expect in the files", (tries.WITH_K, tries.ZARR, tries.READ_LOG)),
    "IndexError": Explanation("PADOCC looked for more than there is, in a file or a list", (tries.RESCAN, tries.THOROUGH, tries.READ_LOG)),
    "NotImplementedError": Explanation("PADOCC or a library cannot do this (yet)", (tries.WITH_K, tries.ZARR, tries.DROP)),
    "UnboundLocalError": Explanation("PADOCC lost its way between options that exclude each other", (tries.KERCHUNK, tries.RECOMPUTE)),
    "MergeError": Explanation("a variable without the dimension of aggregation differs from file to file", (tries.SAME_IN_ALL, tries.DROP)),
    "MemoryError": Explanation("memory ran out", (tries.MORE_MEMORY,)),
    "OSError": Explanation("a file could not be read or written: a lost mount, or a damaged file", (tries.DOCTOR, tries.AGAIN)),
    "FileNotFoundError": Explanation("a file is gone that was there before", (tries.RESCAN, tries.ANOTHER_PATTERN)),
    "PermissionError": Explanation("a file may not be read or written by who runs this", (tries.DOCTOR, tries.AGAIN)),
    "TimeoutError": Explanation("something did not answer in time, mostly a file system", (tries.AGAIN, tries.DOCTOR)),
    "OutOfBoundsDatetime": Explanation("times lie outside what pandas can hold", (tries.WITHOUT_TIMES,)),
    "GroupNotFoundError": Explanation("a Zarr store is not there or not complete", (tries.RECOMPUTE,)),
    "ModuleNotFoundError": Explanation("a package is missing where the work ran", (tries.DOCTOR,)),
}

_CRASH = (tries.AGAIN, tries.ZARR, tries.READ_LOG)
SIGNALS = {
    "SIGKILL": Explanation("the process was killed, mostly by the system for want of memory", (tries.MORE_MEMORY, tries.AGAIN)),
    "SIGTERM": Explanation("the process was ended by a person, an ending machine or SLURM", (tries.AGAIN, tries.MORE_TIME)),
    "SIGXCPU": Explanation("the process used up its CPU time", (tries.MORE_TIME,)),
    "SIGBUS": Explanation("a file got shorter, or its disk failed, while it was read", (tries.AGAIN, tries.DOCTOR)),
    "SIGSEGV": Explanation("a library crashed, mostly on a damaged file", _CRASH),
    "SIGABRT": Explanation("a library gave up, mostly on a damaged file or for want of memory", _CRASH),
    "SIGILL": Explanation("a library has instructions that this processor does not know", (tries.DOCTOR,)),
    "ExitStatus": Explanation("the process ended before it could answer", (tries.READ_LOG, tries.AGAIN, tries.DOCTOR)),
    "Signal": Explanation("the process was ended by a signal", (tries.AGAIN,)),
    "SIG": Explanation("the process was ended by a signal", (tries.AGAIN,)),
}
"""Ends that come from outside, by the name of the signal; the last three stand for all whose names begin so.

How a job of a cluster ends: `batch/causes.py`.
"""
