"""Where the files of one private Kubernetes lie: nothing of it is anywhere else, cgroups and network devices apart."""

from dataclasses import dataclass
from pathlib import Path

from ..private.folder import PrivateFolder

CACHE = Path("~/.cache/padocc-dagster/kubernetes").expanduser()
DEFAULT = CACHE / "cluster"


@dataclass(frozen=True)
class Folder(PrivateFolder):
    """The folder of one private Kubernetes. Its name is also that of the cgroup of its pods."""

    @property
    def known_by(self) -> tuple[str, str]:
        return "PADOCC_DAGSTER_CLUSTER", str(self.root)

    @property
    def path(self) -> str:
        from .build import programs

        return f"{programs()}:{super().path}"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "HOME": "/root"}

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def containerd_socket(self) -> Path:
        return self.root / "run" / "containerd.sock"

    def kubeconfig(self, user: str) -> Path:
        return self.etc / f"{user}.kubeconfig"
