"""A project's product in the working directory: which format, which revision, where, and which bytes."""

import contextlib
import filecmp
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.spec import CloudFormat
from padocc_dagster.pipeline.workdir.specs import spec_of

BLOCK = 1 << 20
JSON_SUFFIXES = (".json", ".zmetadata")


@dataclass(frozen=True)
class Product:
    """One cloud product: a kerchunk JSON file, a kerchunk parquet store, a Zarr store, or a CFA-netCDF file."""

    path: Path
    cloud_format: CloudFormat
    version: str

    @property
    def revision(self) -> str:
        """PADOCC's revision with the letter of the format: `k1.0`, `zr1.0` (Zarr counts as remote), `c1.0`."""
        return {"kerchunk": "k", "parquet": "k", "zarr": "zr", "CFA": "c"}[self.cloud_format] + self.version

    @property
    def suffix(self) -> str:
        return self.path.suffix

    def exists(self) -> bool:
        return self.path.exists()


def product_of(workdir: Workdir, project: Project, base_cfg: dict[str, Any] | None = None) -> Product:
    """The product that the project's config describes; it need not exist yet (names as `padocc/core/mixins/properties.py:137`)."""
    base = base_cfg or read_json(workdir.base_cfg(project))
    directory, version = workdir.project_dir(project), base["version_no"]
    cloud_format: CloudFormat = configured_override(base)["cloud_type"] or "kerchunk"
    if cloud_format == "kerchunk" and spec_of(workdir, project, base).options.cloud_format == "parquet":
        cloud_format = "parquet"
    name = {
        "kerchunk": f"k{version}a.json",
        "parquet": f"k{version}a.parquet",
        "zarr": f"zr{version}a.zarr",
        "CFA": f"{project.code}.nca",
    }[cloud_format]
    return Product(directory / name, cloud_format, version)


def configured_override(base_cfg: dict[str, Any]) -> dict[str, Any]:
    """PADOCC's `override` by the project's spec: a scan changes it while it works, and may be killed before it restores it."""
    override: dict[str, Any] = base_cfg.get("padocc_dagster", {}).get("override_before_scan") or base_cfg["override"]
    return override


def fingerprint(path: Path) -> str:
    """SHA-256 over a file, or over the names, sizes and contents of a store's files in order of name."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        digest.update(f"{file.relative_to(path) if file != path else ''}\0{file.stat().st_size}\0".encode())
        with open(file, "rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def fingerprint_of_bytes(content: bytes) -> str:
    """The fingerprint of a file that holds these bytes."""
    digest = hashlib.sha256(f"\0{len(content)}\0".encode())
    digest.update(content)
    return digest.hexdigest()


def same_but_for_date(one: Path, other: Path) -> bool:
    """Whether two products hold the same, apart from the `aggregation_date` that PADOCC writes into every new one."""
    if one.is_dir() and other.is_dir():
        names = [{file.relative_to(store) for file in store.rglob("*") if file.is_file()} for store in (one, other)]
        return names[0] == names[1] and all(same_but_for_date(one / name, other / name) for name in names[0])
    if one.suffix in JSON_SUFFIXES or one.name in JSON_SUFFIXES:
        return bool(_undated(read_json(one)) == _undated(read_json(other)))
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _undated(value: Any) -> Any:
    """The JSON value without aggregation dates, at any depth, in nested JSON texts too."""
    if isinstance(value, str) and "aggregation_date" in value:
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        return {key: _undated(found) for key, found in value.items() if key != "aggregation_date"}
    return value


def size_of(path: Path) -> int:
    """Bytes of a file or of a store's files together."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
