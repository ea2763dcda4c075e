"""The facts of a compute node compared with those of this host: pure."""

from collections.abc import Mapping
from pathlib import Path

from padocc_dagster.doctor.line import Line, judged, ok, wrong
from padocc_dagster.doctor.node import PACKAGES, Facts

CLOCK_SECONDS = 60.0
FIX_PYTHON = "set `python` or `set_up` in the launcher's config, or install the same there"


def compare(here: Facts, there: Facts, folders: Mapping[str, Path], seen: Mapping[Path, str], expected: str) -> list[Line]:
    """The lines about a node.

    `folders` are those to be shared, by what they are called; `seen` is the content of the node's file in each as read here;
    `expected` is what the files and the database's row for the node contained.
    """
    lines = _python(here, there)
    for called, folder in folders.items():
        problems = _sharing(folder, here, there, seen.get(folder, ""), expected)
        lines += judged(f"{called} on the node", problems, "the same folder as here")
    lines += [*_environment(there, folders["WORKDIR"]), *_user(here, there), *_clock(here, there)]
    return [*lines, *_database(there, expected), _memory(there)]


def _python(here: Facts, there: Facts) -> list[Line]:
    problems = []
    if there.python != here.python:
        problems.append(f"Python is {there.python} ({there.executable}), here it is {here.python} ({here.executable}): {FIX_PYTHON}")
    lines = judged("Python on the node", problems, f"{there.python}, {there.executable}")
    other = [name for name in PACKAGES if there.packages.get(name) != here.packages.get(name)]
    problems = [f"{name} is {_shown(there, name)}, here it is {_shown(here, name)}: {FIX_PYTHON}" for name in other]
    return [*lines, *judged("packages on the node", problems, "the same versions as here")]


def _sharing(folder: Path, here: Facts, there: Facts, seen: str, expected: str) -> list[str]:
    reads, writes = there.read.get(str(folder)) == expected, bool(there.wrote) and seen == there.wrote
    shared = "use a folder on a file system that every node mounts at the same path"
    if not reads and not writes:
        return [f"{folder} there is not the folder that {here.host} has: {shared}"]
    if not writes:
        return [f"what is written to {folder} there is not seen here: mount it writable on the nodes, for user {there.user_id}"]
    return [] if reads else [f"what is written to {folder} here is not seen there: {shared}"]


def _environment(there: Facts, workdir: Path) -> list[Line]:
    problem = f"WORKDIR is {there.workdir or 'not set'} there: write `environment: [WORKDIR]` in the launcher's config"
    return judged("environment on the node", [] if there.workdir == str(workdir) else [problem], "WORKDIR is set")


def _user(here: Facts, there: Facts) -> list[Line]:
    problems = []
    if there.user_id != here.user_id:
        problems.append(f"jobs run as user {there.user_id}, here it is {here.user_id}: ask the cluster's admins for one id on all hosts")
    if there.umask != here.umask:
        problems.append(f"the umask is {there.umask:03o}, here it is {here.umask:03o}: write `umask {here.umask:03o}` in set_up")
    return judged("user on the node", problems, f"user {there.user_id}, umask {there.umask:03o}")


def _clock(here: Facts, there: Facts) -> list[Line]:
    subject = "clock on the node"
    if here.clock_ahead_seconds is None or there.clock_ahead_seconds is None:
        return [wrong(subject, "it cannot be compared, because the log folder took no file: see above")]
    ahead = there.clock_ahead_seconds - here.clock_ahead_seconds
    if abs(ahead) < CLOCK_SECONDS:
        return [ok(subject, f"within {max(1, round(abs(ahead)))} s of this one")]
    side = "ahead of" if ahead > 0 else "behind"
    return [wrong(subject, f"it is {abs(ahead):.0f} s {side} this one: let both hosts set their clocks by NTP")]


def _database(there: Facts, expected: str) -> list[Line]:
    subject = "database on the node"
    if there.database_problem:
        remedy = "let the database's host, its pg_hba.conf and the firewall take connections from the nodes"
        return [wrong(subject, f"{problem}: {remedy}") for problem in there.database_problem.splitlines()]
    problem = "it is another database than here: name it in dagster.yaml so that every host reaches the same"
    return judged(subject, [] if there.database == expected else [problem], "the same database as here")


def _memory(there: Facts) -> Line:
    subject = "memory on the node"
    if there.memory_limit_mib is None:
        return ok(subject, "no cgroup of the job limits it, so a job that takes too much may end otherwise than OUT_OF_MEMORY")
    return ok(subject, f"the kernel held the job to {there.memory_limit_mib} MiB")


def _shown(facts: Facts, name: str) -> str:
    return facts.packages.get(name) or "not installed"
