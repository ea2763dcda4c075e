"""Ends that come from outside the phase: a signal to its process, or SLURM (`slurm/states.py` has the same causes for runs)."""

from padocc_dagster.pipeline.remedies import tries
from padocc_dagster.pipeline.remedies.words import Explanation

_CRASH = (tries.AGAIN, tries.ZARR, tries.READ_LOG)
SIGNALS = {
    "SIGKILL": Explanation("the process was killed, mostly by the system for want of memory", (tries.MORE_MEMORY, tries.AGAIN)),
    "SIGTERM": Explanation("the process was told to end, by a person, an ending machine or SLURM", (tries.AGAIN, tries.MORE_TIME)),
    "SIGXCPU": Explanation("the process used up its CPU time", (tries.MORE_TIME,)),
    "SIGBUS": Explanation("a file got shorter, or its disk failed, while it was read", (tries.AGAIN, tries.DOCTOR)),
    "SIGSEGV": Explanation("a library crashed, mostly on a damaged file", _CRASH),
    "SIGABRT": Explanation("a library gave up, mostly on a damaged file or for want of memory", _CRASH),
    "SIGILL": Explanation("a library has instructions that this processor does not know", (tries.DOCTOR,)),
    "ExitStatus": Explanation("the process ended by itself before it could answer", (tries.READ_LOG, tries.AGAIN, tries.DOCTOR)),
    "Signal": Explanation("the process was ended by a signal", (tries.AGAIN,)),
    "SIG": Explanation("the process was ended by a signal", (tries.AGAIN,)),
}
"""By the name of the signal; the last three stand for all whose names begin so."""

SLURM = {
    "OUT_OF_MEMORY": Explanation("the job needed more memory than it asked for", (tries.MORE_MEMORY,)),
    "TIMEOUT": Explanation("the job was still at work when its wall time was used up", (tries.MORE_TIME,)),
    "NODE_FAIL": Explanation("the node failed under the job", (tries.AGAIN,)),
    "BOOT_FAIL": Explanation("the node could not be started for the job", (tries.AGAIN,)),
    "PREEMPTED": Explanation("a job of higher priority took its place", (tries.AGAIN,)),
    "REQUEUED": Explanation("SLURM put the job back into the queue and did not let it finish", (tries.AGAIN,)),
    "DEADLINE": Explanation("the job could not be done before its deadline", (tries.DOCTOR, tries.AGAIN)),
    "CANCELLED": Explanation("a person or an admin of the site ended the job", (tries.AGAIN,)),
    "FAILED": Explanation("the job's worker died by itself", (tries.READ_LOG, tries.AGAIN)),
    "LAUNCH_FAILED": Explanation(
        "the job ended before its worker began: its set-up or the package is not right there", (tries.DOCTOR, tries.AGAIN)
    ),
    "VANISHED": Explanation("neither SLURM nor the job says how it ended", (tries.AGAIN, tries.DOCTOR)),
    "COMPLETED": Explanation("the job ended in order, but its run's last word is missing", (tries.AGAIN,)),
}
