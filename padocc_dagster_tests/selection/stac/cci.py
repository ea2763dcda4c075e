"""The Climate Change Initiative as CEDA's archive has it: climate variables, below them datasets, below these their files, one item a file.

Neither the names of the files nor their names in reverse are in order of time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.records import WORLD, Archive, Box, Record

DAYS = 4


@dataclass(frozen=True)
class Dataset:
    """A dataset of an essential climate variable."""

    ecv: str = "sea-surface-temperature"
    uuid: str = "4a9654136a7148e39b7feb56f8bb02d2"
    box: Box = WORLD

    @property
    def collection(self) -> str:
        """The collection that holds its items."""
        return f"{self.uuid}-main"

    @property
    def folder(self) -> str:
        return f"neodc/esacci/{self.ecv}/data/{self.uuid}"

    def files(self, count: int) -> list[str]:
        """The names of its files in order of time: every other one was made anew, in a later version."""
        return [f"ESACCI-L4-{self.ecv}-fv{2 - number % 2}.0-{records.day(DAYS * number)}.nc" for number in range(count)]


def collections(datasets: Iterable[Dataset]) -> list[Record]:
    """All three levels of these datasets, from the top."""
    levels: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        levels.setdefault(dataset.ecv, []).append(dataset)
    made = []
    for ecv, below in levels.items():
        made.append(records.collection(ecv, f"ESA CCI {ecv}", children=[dataset.uuid for dataset in below]))
        for dataset in below:
            made.append(records.collection(dataset.uuid, f"ESA CCI {ecv} {dataset.uuid}", ecv, [dataset.collection]))
            made.append(records.collection(dataset.collection, f"Files of {dataset.uuid}", dataset.uuid))
    return made


def items(archive: Archive, dataset: Dataset, files: Sequence[Path]) -> list[Record]:
    """The items of files that exist, in order of time."""
    made = []
    for number, path in enumerate(files):
        metadata = {"href": f"{archive.href(path)}.xml", "type": "application/xml", "roles": ["metadata"]}
        properties = {"ecv": dataset.ecv, "datasetId": dataset.uuid, **records.period(DAYS * number, DAYS)}
        assets = {"data": records.data_asset(archive, path), "metadata": metadata}
        made.append(records.item(path.stem, dataset.collection, properties, assets, dataset.box))
    return made


def written(archive: Archive, dataset: Dataset = Dataset(), files: int = 3) -> list[Record]:
    """Items over files that this writes."""
    return items(archive, dataset, archive.write(dataset.folder, dataset.files(files), DAYS))


def linked(archive: Archive, dataset: Dataset, files: int) -> list[Record]:
    """Very many items over links to one file."""
    (file,) = archive.write("template", ["file.nc"], DAYS)
    return items(archive, dataset, archive.link(dataset.folder, dataset.files(files), file))
