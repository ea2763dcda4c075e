"""Group configs with a section `stac:`, over the records of an archive."""

from pathlib import Path
from typing import Any

import yaml

from padocc_dagster.selection import GroupConfig, read_group_config
from padocc_dagster_tests.selection.stac.records import Archive


def section(catalogue: str, archive: Archive, **fields: Any) -> dict[str, Any]:
    """A section that brings the archive's addresses to its folder. A field that is None is left out."""
    whole = {"catalogue": catalogue, "paths": {archive.base: str(archive.root)}, **fields}
    return {name: value for name, value in whole.items() if value is not None}


def write_config(path: Path, stac: dict[str, Any], **fields: Any) -> Path:
    path.write_text(yaml.safe_dump({**fields, "stac": stac}))
    return path


def codes(config: GroupConfig) -> list[str]:
    return [spec.code for spec in config.projects]


def selected(folder: Path, stac: dict[str, Any]) -> GroupConfig:
    """What the section selects."""
    return read_group_config(write_config(folder / "grp.yaml", stac))
