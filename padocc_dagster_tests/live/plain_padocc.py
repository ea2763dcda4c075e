"""The same project through PADOCC's own API in one process, for a figure to compare with: `python plain_padocc.py WORKDIR PATTERN`.

Prints the seconds of importing PADOCC, and of scan, compute and validation together.
"""

import sys
import time


def main(workdir: str, pattern: str) -> None:
    begin = time.perf_counter()
    from padocc.core.utils import BypassSwitch
    from padocc.groups import GroupOperation
    from padocc.phases.compute import KerchunkDS
    from padocc.phases.scan import ScanOperation
    from padocc.phases.validate import ValidateOperation

    imported = time.perf_counter()
    GroupOperation("plain", workdir).init_group([f"one,{pattern},,"])
    options = {"groupID": "plain", "forceful": True, "bypass": BypassSwitch("D"), "fh": "PhaseLog", "logid": "0"}
    worked = time.perf_counter()
    ScanOperation("one", workdir, label="scan", **options).run(mode="kerchunk")
    KerchunkDS("one", workdir, label="compute", **options).run(mode="kerchunk", aggregator="V")
    ValidateOperation("one", workdir, label="validate", **options).run(mode="kerchunk")
    print(imported - begin, time.perf_counter() - worked)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
