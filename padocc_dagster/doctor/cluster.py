"""What SLURM answers without a job: its programs, its controller, its accounting, and whether it accepts our allocations."""

import os
import shlex
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.doctor.line import Line, not_checked, ok, wrong
from padocc_dagster.slurm.request.script import BatchRequest, batch_script, for_one_run
from padocc_dagster.slurm.scheduler.client import Client, NoAccountingError, NoAnswerError, RefusedError
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.warm_jobs import band_of, job_for

PROGRAMS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")
JOB_NAME = "padocc-dagster-doctor"
WAY_OUT = "set SLURM_CONF, or ask the cluster's admins whether slurmctld runs and this host may reach it"


def programs(prefix: Sequence[str]) -> Line:
    """SLURM's commands on PATH. Those of another host are tried with the controller."""
    if prefix:
        return ok("SLURM commands", f"called by `{shlex.join(prefix)}`")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        where = os.environ.get("PATH", "")
        remedy = "install SLURM's client programs, or set PATH to where they are (module load slurm at some sites)"
        return wrong("SLURM commands", f"{', '.join(missing)} not found on PATH ({where}): {remedy}")
    return ok("SLURM commands", f"{', '.join(PROGRAMS)} in {Path(shutil.which('sbatch') or '').parent}")


def controller(client: Client) -> Line:
    """Whether the queue can be read."""
    try:
        jobs = client.queue()
    except NoAnswerError as error:
        return wrong("SLURM controller", f"{error}: {WAY_OUT}")
    waiting = sum(job.is_pending for job in jobs)
    return ok("SLURM controller", f"it answers: {waiting} jobs of yours wait, {sum(job.is_active for job in jobs)} run")


def accounting(client: Client) -> Line:
    """Whether SLURM reports ended jobs. A cluster without accounting is fine."""
    try:
        client.accounting([1], datetime.now(UTC))
    except NoAccountingError:
        return ok("SLURM accounting", "this cluster keeps none: scontrol and the jobs report how jobs ended, the jobs their peak memory")
    except NoAnswerError as error:
        return wrong("SLURM accounting", f"{error}: ask the cluster's admins whether slurmdbd runs")
    return ok("SLURM accounting", "sacct answers")


def profile(settings: Settings) -> Line:
    """The site's profile. That the default allocation keeps to it is checked when the launcher's config is read."""
    if settings.profile is None:
        return ok("site profile", "none is named: only SLURM itself knows the site's limits")
    return ok("site profile", f"{settings.profile.name} has room for the default allocation (source: {settings.profile.source})")


def allocations(settings: Settings, client: Client, folder: Path) -> list[Line]:
    """Whether SLURM would accept a job with the default allocation, one for many such runs, and the largest (`sbatch --test-only`)."""
    entries = "partition, account, qos, default_allocation or sbatch_options"
    lines = [_allocation("default allocation", settings.default, entries, settings, client, folder)]
    most = settings.largest_for(settings.default)
    if settings.warm and (band := band_of(settings.default, settings.warm, most)):
        job, _ = job_for(band, 0, settings.warm, most)
        lines += [_allocation("job for many runs", job, "warm", settings, client, folder)]
    most = largest(settings)
    if most == settings.default:
        return [*lines, not_checked("largest allocation", "no largest_allocation is set, so SLURM's own limits hold")]
    return [*lines, _allocation("largest allocation", most, "largest_allocation", settings, client, folder)]


def largest(settings: Settings) -> Allocation:
    """The default allocation with every size as large as the launcher lets it become."""
    return settings.default.merged(settings.largest_for(settings.default))


def request(settings: Settings, allocation: Allocation, script: Path, command: tuple[str, ...]) -> BatchRequest:
    """A job made as the launcher makes those of runs."""
    return BatchRequest(
        job_name=f"{JOB_NAME}-{script.stem}",
        comment=JOB_NAME,
        allocation=allocation,
        log=script.with_suffix(".log"),
        folder=script.parent,
        set_up=settings.set_up,
        python=settings.python,
        main=for_one_run(script.with_suffix(".json"), settings.terminate_grace_seconds, command),
        options=settings.sbatch_options,
    )


def _allocation(called: str, allocation: Allocation, entry: str, settings: Settings, client: Client, folder: Path) -> Line:
    script = folder / f"test-{os.urandom(8).hex()}.sh"
    try:
        script.write_text(batch_script(request(settings, allocation, script, ("true",))))
        client.test(script)
    except RefusedError as error:
        up = ", or see with `sinfo` whether such nodes are up" if "not available" in str(error) else ""
        return wrong(called, f"SLURM does not take {allocation} ({error}): correct {entry} in the launcher's config{up}")
    except NoAnswerError as error:
        return wrong(called, f"{error}: {WAY_OUT}")
    except (OSError, ValueError) as error:
        return wrong(called, f"its script cannot be written ({error})")
    finally:
        script.unlink(missing_ok=True)
    return ok(called, f"SLURM takes {allocation}")
