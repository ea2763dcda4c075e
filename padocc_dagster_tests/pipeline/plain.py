"""A group made by PADOCC alone, in one process: `python plain.py WORKDIR SOURCES`, with a folder of source files for each project.

Projects: `fresh` is initialised, `scanned`, `computed` and `validated` got that far, `failed` did not get through compute, `given_up` is
scanned and on the faultlist. The subset `mine` has two of them.
"""

import contextlib
import shutil
import sys
from pathlib import Path

FAR = {"fresh": 0, "scanned": 1, "given_up": 1, "failed": 2, "computed": 2, "validated": 3}
GROUP = "plain"


def main(workdir: str, sources: str) -> None:
    from padocc.core.utils import BypassSwitch
    from padocc.groups import GroupOperation
    from padocc.phases.compute import KerchunkDS
    from padocc.phases.scan import ScanOperation
    from padocc.phases.validate import ValidateOperation

    group = GroupOperation(GROUP, workdir)
    group.init_group([f"{code},{sources}/{code}/*.nc,," for code in FAR])
    options = {"groupID": GROUP, "forceful": True, "bypass": BypassSwitch("DS"), "fh": "PhaseLog", "logid": "0"}
    for code, far in FAR.items():
        if far > 0:
            ScanOperation(code, workdir, label="scan", **options).run(mode="kerchunk")
        if code == "failed":
            shutil.rmtree(Path(sources) / code)
        if far > 1:
            with contextlib.suppress(Exception):
                KerchunkDS(code, workdir, label="compute", **options).run(mode="kerchunk", aggregator="V")
        if far > 2:
            ValidateOperation(code, workdir, label="validate", **options).run(mode="kerchunk")
    group._add_proj_codeset("mine", ["scanned", "computed"])
    group.save_files()
    (Path(workdir) / "groups" / GROUP / "faultlist.csv").write_text("given_up,no longer wanted")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
