"""What the headers of a project's sources say that later phases need, kept in its base config by the scan.

padocc_dagster: {found: {undecoded: [time], packing: {t2m: [{scale_factor: …, add_offset: …, files: 11, first: /…/f_000.nc}, …]}}}
"""

from collections.abc import Collection, Sequence
from typing import Any

from padocc_dagster.pipeline.making.refusals import DifferingPackingError
from padocc_dagster.pipeline.making.survey import Header, packings
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir


def keep_findings(workdir: Workdir, project: Project, headers: Sequence[Header], undecoded: Sequence[str]) -> None:
    """Write down which times cannot be decoded, and which variables are packed differently from file to file."""
    base = read_json(workdir.base_cfg(project))
    packing = {
        name: [{**kind._asdict(), "files": len(files), "first": files[0]} for kind, files in kinds.items()]
        for name, kinds in packings(headers).items()
    }
    base.setdefault("padocc_dagster", {})["found"] = {"undecoded": list(undecoded), "packing": packing}
    write_json(workdir.base_cfg(project), base)


def undecoded_of(base: dict[str, Any]) -> list[str]:
    """The times of a project's sources that cannot be decoded, as its base config says."""
    return list(_found(base).get("undecoded") or ())


def packing_refusal(base: dict[str, Any], dropped: Collection[str]) -> DifferingPackingError | None:
    """Why files that are packed differently cannot become references or a Zarr store; None where all are packed alike."""
    for name, kinds in (_found(base).get("packing") or {}).items():
        if name in dropped:
            continue
        usual, *odd = kinds
        others = "; ".join(f"in {kind['first']} with {_said(kind)}" for kind in odd[:3])
        message = (
            f"variable {name} is packed {others}; in {usual['first']} with {_said(usual)} ({usual['files']} file(s) are packed so). "
            "References and Zarr stores have one packing for all files: make a CFA aggregation, which keeps each file's own"
        )
        return DifferingPackingError(message, name, [kind["first"] for kind in odd])
    return None


def _said(kind: dict[str, Any]) -> str:
    return f"scale_factor {kind['scale_factor']} and add_offset {kind['add_offset']}"


def _found(base: dict[str, Any]) -> dict[str, Any]:
    return base.get("padocc_dagster", {}).get("found") or {}
