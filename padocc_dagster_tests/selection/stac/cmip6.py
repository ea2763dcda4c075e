"""CMIP6 as CEDA's archive has it: one collection, one item a dataset, which is one variable of one run with all its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.records import Archive, Record

COLLECTION = "cmip6"
UPDATED = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = 4
LISTED = ("grid_label", "nominal_resolution", "source_type")
"""Properties that are lists of one element."""


@dataclass(frozen=True)
class Dataset:
    """The parts of a dataset's name."""

    variable: str = "vas"
    member: str = "r1i1p1f1"
    experiment: str = "ssp585"
    version: str = "v20191108"
    table: str = "day"
    activity: str = "ScenarioMIP"
    institution: str = "MRI"
    source: str = "MRI-ESM2-0"
    grid: str = "gn"

    @property
    def parts(self) -> tuple[str, ...]:
        run = (self.activity, self.institution, self.source, self.experiment, self.member)
        return ("CMIP6", *run, self.table, self.variable, self.grid, self.version)

    @property
    def name(self) -> str:
        return ".".join(self.parts)

    @property
    def folder(self) -> str:
        return f"badc/cmip6/data/{'/'.join(self.parts)}"

    def files(self, count: int) -> list[str]:
        """The names of its files, in order of time."""
        stem = "_".join((self.variable, self.table, self.source, self.experiment, self.member, self.grid))
        return [f"{stem}_{records.day(DAYS * number)}-{records.day(DAYS * (number + 1) - 1)}.nc" for number in range(count)]


def collection() -> Record:
    return records.collection(COLLECTION, "CMIP6")


def item(archive: Archive, dataset: Dataset, files: Sequence[Path], checksum: bool = False) -> Record:
    """The item of a dataset whose files exist, in order of time."""
    assets = {f"data{number:04d}": records.data_asset(archive, path, checksum) for number, path in enumerate(files, start=1)}
    thumbnail = {"href": f"{archive.base}/{dataset.folder}/quicklook.png", "type": "image/png", "roles": ["thumbnail"]}
    properties = {
        "activity_id": dataset.activity,
        "institution_id": dataset.institution,
        "source_id": dataset.source,
        "experiment_id": dataset.experiment,
        "member_id": dataset.member,
        "table_id": dataset.table,
        "variable_id": dataset.variable,
        "grid_label": dataset.grid,
        "nominal_resolution": "100 km",
        "source_type": "AOGCM",
        "version": dataset.version,
        "retracted": False,
        **records.period(0, DAYS * len(files)),
    }
    properties |= {name: [properties[name]] for name in LISTED}
    made = records.item(dataset.name, COLLECTION, properties, {**assets, "quicklook": thumbnail})
    return records.updated(made, UPDATED)


def written(archive: Archive, dataset: Dataset = Dataset(), files: int = 2, checksum: bool = False) -> Record:
    """An item over files that this writes."""
    return item(archive, dataset, archive.write(dataset.folder, dataset.files(files), DAYS), checksum)


def many(archive: Archive, count: int, files: int = 1) -> Iterator[Record]:
    """So many items, which are members of one ensemble, over links to one file."""
    first = Dataset()
    (file,) = archive.write("template", first.files(1), DAYS)
    for number in range(count):
        dataset = replace(first, member=f"r{number + 1}i1p1f1")
        yield item(archive, dataset, archive.link(dataset.folder, dataset.files(files), file))
