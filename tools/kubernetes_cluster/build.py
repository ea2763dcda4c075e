"""Kubernetes's programs, built from Debian's source package into a cache that all clusters and checkouts share.

No package registry has them as binaries. Debian's source is whole (`vendor/`), so that nothing else is downloaded.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..private.folder import ClusterError
from .folder import CACHE

SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
PAUSE = "pause"
VERSION = "1.20.2"
SOURCE = "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n"
VERSIONED = ("k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version", "k8s.io/kubernetes/vendor/k8s.io/component-base/version")
"""The API server says the first, kubelet the second; with another path they call themselves v0.0.0."""
LINKER = "-s -w " + " ".join(f"-X {path}.gitVersion=v{VERSION} -X {path}.gitMajor=1 -X {path}.gitMinor=20" for path in VERSIONED)
OPENAPI = "pkg/generated/openapi"
NOT_OPENAPI = ("code-generator", "sample-apiserver", "kube-openapi")
PAUSE_SOURCE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
"""
DURATION = "10 to 15 CPU minutes, 4 to 12 minutes on two cores"


def programs() -> Path:
    """The folder of the built programs, which is there or not."""
    return CACHE / f"v{VERSION}"


def is_built() -> bool:
    """Whether the programs are in the cache."""
    return all((programs() / name).exists() for name in (*SERVERS, PAUSE))


def build(say: Callable[[str], None] = print) -> Path:
    """Build what is not there yet, and return the folder of the programs. One process builds, others wait for it.

    Raises ClusterError with the end of what a failed step printed.
    """
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (CACHE / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            say(f"Kubernetes {VERSION} is built from Debian's source, once: {DURATION}, and 3 GB that are removed again.")
            _Build(CACHE / "build", say).make()
    return programs()


class _Build:
    """One build in a folder of its own, removed when all is done."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.source = folder / "gopath" / "src" / "k8s.io" / "kubernetes"
        self.made = folder / "programs"

    def make(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.made.mkdir(parents=True)
        with self._step("fetching the source"):
            self._fetch()
        with self._step("generating its OpenAPI"):
            self._generate()
        for name in SERVERS:
            with self._step(f"building {name}"):
                self._go(f"./cmd/{name}")
        with self._step(f"building {PAUSE}"):
            pause = self.source / "cmd" / "pause-alone" / "pause.go"
            pause.parent.mkdir()
            pause.write_text(PAUSE_SOURCE)
            self._go("./cmd/pause-alone", PAUSE)
        shutil.rmtree(programs(), ignore_errors=True)
        self.made.rename(programs())
        shutil.rmtree(self.folder)

    def _fetch(self) -> None:
        """By lists of our own: those of the machine stay as they are."""
        lists = self.folder / "apt" / "lists"
        (lists / "partial").mkdir(parents=True)
        sources = lists.with_name("sources.list")
        sources.write_text(SOURCE)
        own = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null", "Dir::State::lists": lists}
        own |= {"Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": ""}
        options = [word for name, value in own.items() for word in ("-o", f"{name}={value}")]
        self._run("apt-get", *options, "-q", "update", folder=self.folder)
        self._run("apt-get", *options, "-q", "source", "--only-source", "kubernetes", folder=self.folder)
        (found,) = self.folder.glob(f"kubernetes-*{VERSION}")
        self.source.parent.mkdir(parents=True)
        found.rename(self.source)

    def _generate(self) -> None:
        """`make` would build a dozen generators for it; this one is all that the four programs lack."""
        generator = self.folder / "openapi-gen"
        self._run("go", "build", "-o", str(generator), "./vendor/k8s.io/kube-openapi/cmd/openapi-gen")
        packages = sorted({f"k8s.io/kubernetes/{path}" for path in self._marked()})
        header = "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"
        self._run(
            *(str(generator), "-i", ",".join(packages), "-p", f"k8s.io/kubernetes/{OPENAPI}", "-O", "zz_generated.openapi"),
            *("-h", header, "-r", str(self.folder / "violations")),
        )

    def _marked(self) -> Iterator[Path]:
        """The packages with a mark for the generator, as the source's own Makefile.generated_files chooses them."""
        tops = [path for path in (self.source / "vendor" / "k8s.io").iterdir() if path.name not in NOT_OPENAPI]
        for top in (*tops, self.source / "pkg", self.source / "cmd"):
            for folder, _, files in os.walk(top):
                texts = (Path(folder, file).read_bytes() for file in files if file.endswith(".go"))
                if "testdata" not in folder and any(b"+k8s:openapi-gen=" in text for text in texts):
                    yield Path(folder).relative_to(self.source)

    def _go(self, package: str, name: str | None = None) -> None:
        self._run("go", "build", "-trimpath", "-ldflags", LINKER, "-o", str(self.made / (name or Path(package).name)), package)

    def _run(self, *command: str, folder: Path | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
        own = {"GO111MODULE": "off", "GOPROXY": "off", "CGO_ENABLED": "0", "GOPATH": str(self.folder / "gopath")}
        environment = {**kept, **own, "GOCACHE": str(self.folder / "gocache"), "GOFLAGS": ""}
        done = subprocess.run(command, cwd=folder or self.source, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            end = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            raise ClusterError(f"{command[0]} {command[1]} failed with status {done.returncode}:\n{end}")

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        self.say(f"  {what} …")
        yield
        self.say(f"  {what}: {time.monotonic() - began:.0f} s")
