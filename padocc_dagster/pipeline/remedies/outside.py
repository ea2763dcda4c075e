"""Ends that come from outside the phase: a signal to its process. How a job of a cluster ends: `batch/causes.py`."""

from padocc_dagster.pipeline.remedies import tries
from padocc_dagster.pipeline.remedies.words import Explanation

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
"""By the name of the signal; the last three stand for all whose names begin so."""
