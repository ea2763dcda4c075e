"""Projects through PADOCC's own API in one process, the floor of `local.py`: `python -m benchmarks.plain WORKDIR PATTERN…`.

Prints a JSON object: seconds of wall time and of CPU for initialisation, scan, compute and validation of all, imports not counted; and the
most memory, in MiB.
"""

import json
import resource
import sys
import time

from padocc.core.utils import BypassSwitch
from padocc.groups import GroupOperation
from padocc.phases.compute import KerchunkDS
from padocc.phases.scan import ScanOperation
from padocc.phases.validate import ValidateOperation


def main(workdir: str, patterns: list[str]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    codes = [f"p{number:03d}" for number in range(len(patterns))]
    GroupOperation("plain", workdir).init_group([f"{code},{pattern},," for code, pattern in zip(codes, patterns, strict=True)])
    options = {"groupID": "plain", "forceful": True, "bypass": BypassSwitch("D"), "fh": "PhaseLog", "logid": "0"}
    for code in codes:
        ScanOperation(code, workdir, label="scan", **options).run(mode="kerchunk")
        try:
            KerchunkDS(code, workdir, label="compute", **options).run(mode="kerchunk", aggregator="V")
        except Exception:  # as on scalar coordinates
            KerchunkDS(code, workdir, label="compute", **options).run(mode="kerchunk", aggregator="K")
        ValidateOperation(code, workdir, label="validate", **options).run(mode="kerchunk")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak_mib": peak}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
