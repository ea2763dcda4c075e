"""PADOCC's error classes (padocc 1.5.1, `core/errors.py`), and what its validation says (`core/errors.py:77`, `phases/validate.py`)."""

from padocc_dagster.pipeline.remedies import tries
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy

CLASSES = {
    "PartialDriverError": Explanation(
        "some of the source files can be read by none of PADOCC's drivers (NetCDF3, HDF5, TIFF)", tries.OTHER_FILES
    ),
    "KerchunkDriverFatalError": Explanation(
        "no driver of PADOCC's (NetCDF3, HDF5, TIFF) can read the files", (tries.ZARR, tries.ANOTHER_PATTERN, tries.GIVE_UP)
    ),
    "MissingDataError": Explanation(
        "source files, or parts of them, did not get into the product", (tries.WITH_V, tries.WITH_K, tries.ZARR, tries.THOROUGH)
    ),
    "AggregationError": Explanation(
        "PADOCC finds the values along the dimension of aggregation out of order in the product",
        (
            tries.ORDERED_BY,
            tries.ANOTHER_PATTERN,
            tries.WITHOUT_EMPTY,
            tries.TICK_IF_EQUAL,
            tries.THOROUGH,
            tries.NEW_WITH_K,
            tries.NEW_ZARR,
        ),
    ),
    "MissingVariableError": Explanation(
        "PADOCC was started without something that it needs in its environment or arguments", (tries.AGAIN, tries.DOCTOR)
    ),
    "ExpectTimeoutError": Explanation(
        "PADOCC expects that the phase takes more time, or more memory, than it was given (it uses one status for both)",
        (tries.MORE_TIME, tries.MORE_MEMORY),
    ),
    "ExpectMemoryError": Explanation("PADOCC expects that the phase takes more memory than it was given", (tries.MORE_MEMORY,)),
    "ChunkDataError": Explanation(
        "bytes of a chunk cannot be decoded: mostly a damaged source file, or one that was being written",
        (tries.RESCAN_REPLACED, tries.WITHOUT_TIMES, tries.ZARR),
    ),
    "NoValidTimeSlicesError": Explanation(
        "no time step was found at which product and sources could be held against each other",
        (tries.REVALIDATE, tries.ORDERED_BY, tries.TICK),
    ),
    "NoOverwriteError": Explanation("an output is there already, and PADOCC was not to replace it", (tries.NEW_VERSION, tries.RECOMPUTE)),
    "MissingKerchunkError": Explanation("the product is not where PADOCC looks for it", (tries.RECOMPUTE,)),
    "ValidationError": Explanation(
        "the product cannot be laid beside its sources: their dimensions do not fit",
        (tries.NEW_WITH_K, tries.NEW_ZARR, tries.ORDERED_BY, tries.TICK_IF_EQUAL),
    ),
    "ComputeError": Explanation("the project's config and the options given do not go together", (tries.KERCHUNK, tries.READ_LOG)),
    "ConcatenationError": Explanation(
        "variables differ from file to file and do not run along the dimension of aggregation, and can be neither joined nor taken once",
        (tries.SAME_IN_ALL, tries.DROP, tries.ORDERED_BY, tries.GIVE_UP),
    ),
    "ConcatFatalError": Explanation(
        "chunk shapes differ between files, which kerchunk references cannot represent", (tries.ZARR, tries.ANOTHER_PATTERN, tries.DROP)
    ),
    "SourceNotFoundError": Explanation(
        "source files are not where they were when the project was initialised",
        (tries.ANOTHER_PATTERN, Remedy("put the files back, then scan again", "rescan {key}"), tries.GIVE_UP),
    ),
    "ArchiveConnectError": Explanation("the archive of the source files could not be reached", (tries.ELSEWHERE_LATER, tries.DOCTOR)),
    "KerchunkDecodeError": Explanation(
        "the product cannot be decoded, mostly for its times", (tries.WITHOUT_TIMES, tries.NEW_WITH_K, tries.NEW_ZARR)
    ),
    "KerchunkException": Explanation("PADOCC stopped without saying which of its errors it was", (tries.READ_LOG, tries.AGAIN)),
}

STATUSES = {
    "Fatal-size_errors": Explanation(
        "PADOCC's validation found variables or dimensions of another size in the product than in the sources",
        (tries.NEW_WITH_K, tries.NEW_WITH_V, tries.NEW_ZARR, tries.TICK),
    ),
    "Fatal-dim_size_errors": Explanation(
        "PADOCC's validation found variables whose dimensions are longer or shorter in the product",
        (tries.THOROUGH, tries.NEW_WITH_K, tries.NEW_ZARR, tries.TICK),
    ),
    "Fatal-data_errors": Explanation(
        "PADOCC's validation found other values in the product than in the sources",
        (tries.NEW_WITH_K, tries.NEW_WITH_V, tries.NEW_ZARR, tries.TICK),
    ),
    "Fatal-dim_errors": Explanation(
        "PADOCC's validation found variables with other dimensions in the product",
        (tries.ORDERED_BY, tries.NEW_WITH_K, tries.NEW_ZARR, tries.TICK),
    ),
    "Fatal": Explanation("PADOCC's validation found a fatal difference", (tries.NEW_WITH_K, tries.NEW_WITH_V, tries.NEW_ZARR, tries.TICK)),
    "Warn-growbox": Explanation("PADOCC's validation found only missing values where it looked, so it compared none", (tries.TICK,)),
    "Warn-bypassed": Explanation("PADOCC's validation passed over differences that it holds for harmless", (tries.TICK,)),
    "Warn-dtype/precision": Explanation("PADOCC's validation found another type or precision of values in the product", (tries.TICK,)),
    "Warn-ticked by": Explanation("a person accepted what PADOCC's validation said", ()),
    "Warn": Explanation(
        "PADOCC's validation found differences in attributes or in order only; the project goes on",
        (tries.TICK, Remedy("set the attribute that differs, so that it is meant", "edit {key} --set updates.NAME=VALUE")),
    ),
    "JobCancelled": Explanation(
        "the run was stopped: by a person, by an ending instance, or by SLURM when its time was up",
        (tries.AGAIN, tries.MORE_TIME, tries.MORE_MEMORY),
    ),
    "Skipped": Explanation(
        "PADOCC left this product out: a CFA aggregation of one file, for example, makes no sense", (tries.KERCHUNK, tries.ANOTHER_PATTERN)
    ),
    "NoLogGiven": Explanation("PADOCC stopped without a word", (tries.READ_LOG, tries.AGAIN)),
    "https": Explanation(
        "xarray found no engine that reads a file (PADOCC takes the address in that message for the error's class)",
        (tries.RESCAN_REPLACED, tries.ANOTHER_PATTERN, tries.READ_LOG),
    ),
}
