"""PADOCC's error classes (padocc 1.5.1, `core/errors.py`), and what its validation says (`core/errors.py:77`, `phases/validate.py`)."""

from padocc_dagster.pipeline.remedies import deeds
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy

CLASSES = {
    "PartialDriverError": Explanation(
        "some of the source files can be read by none of PADOCC's drivers (NetCDF3, HDF5, TIFF)",
        (deeds.RESCAN_REPLACED, deeds.ANOTHER_PATTERN, deeds.GIVE_UP),
    ),
    "KerchunkDriverFatalError": Explanation(
        "no driver of PADOCC's (NetCDF3, HDF5, TIFF) can read the files",
        (deeds.ZARR, deeds.ANOTHER_PATTERN, deeds.GIVE_UP),
    ),
    "MissingDataError": Explanation(
        "source files, or parts of them, did not get into the product", (deeds.WITH_V, deeds.WITH_K, deeds.ZARR, deeds.THOROUGH)
    ),
    "AggregationError": Explanation(
        "PADOCC finds the values along the dimension of aggregation out of order in the product",
        (deeds.ORDERED_BY, deeds.WITHOUT_EMPTY, deeds.TICK_IF_EQUAL, deeds.THOROUGH, deeds.NEW_WITH_K, deeds.NEW_ZARR),
    ),
    "MissingVariableError": Explanation(
        "PADOCC was started without something that it needs in its environment or arguments", (deeds.AGAIN, deeds.DOCTOR)
    ),
    "ExpectTimeoutError": Explanation(
        "PADOCC expects that the phase takes more time, or more memory, than it was given (it uses one status for both)",
        (deeds.MORE_TIME, deeds.MORE_MEMORY),
    ),
    "ExpectMemoryError": Explanation("PADOCC expects that the phase takes more memory than it was given", (deeds.MORE_MEMORY,)),
    "ChunkDataError": Explanation(
        "bytes of a chunk cannot be decoded: mostly a damaged source file, or one that was being written",
        (deeds.RESCAN_REPLACED, deeds.WITHOUT_TIMES, deeds.ZARR),
    ),
    "NoValidTimeSlicesError": Explanation(
        "no time step was found at which product and sources could be held against each other",
        (deeds.REVALIDATE, deeds.ORDERED_BY, deeds.TICK),
    ),
    "NoOverwriteError": Explanation(
        "an output is there already, and PADOCC was not told to replace it", (deeds.NEW_VERSION, deeds.RECOMPUTE)
    ),
    "MissingKerchunkError": Explanation("the product is not where PADOCC looks for it", (deeds.RECOMPUTE,)),
    "ValidationError": Explanation(
        "the product cannot be laid beside its sources: their dimensions do not fit",
        (deeds.NEW_WITH_K, deeds.NEW_ZARR, deeds.ORDERED_BY, deeds.TICK_IF_EQUAL),
    ),
    "ComputeError": Explanation("the project's config and the options asked for do not go together", (deeds.KERCHUNK, deeds.READ_LOG)),
    "ConcatenationError": Explanation(
        "variables differ from file to file and do not run along the dimension of aggregation, and can be neither joined nor taken once",
        (deeds.SAME_IN_ALL, deeds.DROP, deeds.ORDERED_BY, deeds.GIVE_UP),
    ),
    "ConcatFatalError": Explanation(
        "chunk shapes differ between files, which kerchunk references cannot represent", (deeds.ZARR, deeds.ANOTHER_PATTERN, deeds.DROP)
    ),
    "SourceNotFoundError": Explanation(
        "source files are not where they were when the project was initialised",
        (deeds.ANOTHER_PATTERN, Remedy("put the files back, then scan again", "rescan {key}"), deeds.GIVE_UP),
    ),
    "ArchiveConnectError": Explanation("the archive of the source files could not be reached", (deeds.ELSEWHERE_LATER, deeds.DOCTOR)),
    "KerchunkDecodeError": Explanation(
        "the product cannot be decoded, mostly for its times", (deeds.WITHOUT_TIMES, deeds.NEW_WITH_K, deeds.NEW_ZARR)
    ),
    "KerchunkException": Explanation("PADOCC stopped without saying which of its errors it was", (deeds.READ_LOG, deeds.AGAIN)),
}

STATUSES = {
    "Fatal-size_errors": Explanation(
        "PADOCC's validation found variables or dimensions of another size in the product than in the sources",
        (deeds.NEW_WITH_K, deeds.NEW_WITH_V, deeds.NEW_ZARR, deeds.TICK),
    ),
    "Fatal-dim_size_errors": Explanation(
        "PADOCC's validation found variables whose dimensions are longer or shorter in the product",
        (deeds.THOROUGH, deeds.NEW_WITH_K, deeds.NEW_ZARR, deeds.TICK),
    ),
    "Fatal-data_errors": Explanation(
        "PADOCC's validation found other values in the product than in the sources",
        (deeds.NEW_WITH_K, deeds.NEW_WITH_V, deeds.NEW_ZARR, deeds.TICK),
    ),
    "Fatal-dim_errors": Explanation(
        "PADOCC's validation found variables with other dimensions in the product",
        (deeds.ORDERED_BY, deeds.NEW_WITH_K, deeds.NEW_ZARR, deeds.TICK),
    ),
    "Fatal": Explanation("PADOCC's validation found a fatal difference", (deeds.NEW_WITH_K, deeds.NEW_WITH_V, deeds.NEW_ZARR, deeds.TICK)),
    "Warn-growbox": Explanation("PADOCC's validation found only missing values where it looked, so it compared none", (deeds.TICK,)),
    "Warn-bypassed": Explanation("PADOCC's validation passed over differences that it holds for harmless", (deeds.TICK,)),
    "Warn-dtype/precision": Explanation("PADOCC's validation found another type or precision of values in the product", (deeds.TICK,)),
    "Warn-ticked by": Explanation("a person accepted what PADOCC's validation said", ()),
    "Warn": Explanation(
        "PADOCC's validation found differences in attributes or in order only; the project goes on",
        (deeds.TICK, Remedy("set the attribute that differs, so that it is meant", "edit {key} --set updates.NAME=VALUE")),
    ),
    "JobCancelled": Explanation(
        "the run was stopped: by a person, by an ending instance, or by SLURM when its time was up",
        (deeds.AGAIN, deeds.MORE_TIME, deeds.MORE_MEMORY),
    ),
    "Skipped": Explanation(
        "PADOCC left this product out: a CFA aggregation of one file, for example, makes no sense", (deeds.KERCHUNK, deeds.ANOTHER_PATTERN)
    ),
    "NoLogGiven": Explanation("PADOCC stopped without a word", (deeds.READ_LOG, deeds.AGAIN)),
    "https": Explanation(
        "xarray found no engine that reads a file (PADOCC takes the address in that message for the error's class)",
        (deeds.RESCAN_REPLACED, deeds.ANOTHER_PATTERN, deeds.READ_LOG),
    ),
}
