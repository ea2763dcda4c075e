"""Where the files of one private SLURM lie: nothing of it is anywhere else, cgroups apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..private.folder import PrivateFolder

DEFAULT = Path("~/.cache/padocc-dagster/slurm")


@dataclass(frozen=True)
class Folder(PrivateFolder):
    """The folder of one private SLURM. Its name is also that of the cluster and of the node, after which SLURM names the jobs' cgroups."""

    folders: ClassVar[tuple[str, ...]] = (*PrivateFolder.folders, "state", "spool")

    @property
    def known_by(self) -> tuple[str, str]:
        return "SLURM_CONF", str(self.slurm_conf)

    def printed(self, daemon: str) -> Path:
        return self.log(daemon).with_suffix(".out")

    @property
    def slurm_conf(self) -> Path:
        return self.root / "etc" / "slurm.conf"

    @property
    def munge_key(self) -> Path:
        return self.root / "etc" / "munge.key"

    @property
    def database_setup(self) -> Path:
        return self.root / "etc" / "database.sql"

    @property
    def munge_socket(self) -> Path:
        return self.root / "run" / "munge.sock"

    @property
    def database_socket(self) -> Path:
        return self.root / "run" / "mariadb.sock"

    @property
    def database(self) -> Path:
        return self.root / "database"
