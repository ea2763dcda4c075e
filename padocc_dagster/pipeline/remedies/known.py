"""What is known of a project that fills in a remedy's command: its pattern, its format, the dimension that joins its files."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from padocc_dagster.pipeline.joining.record import odd_kept
from padocc_dagster.pipeline.remedies.own import BY_REASON, CLASSES, INITIALISE
from padocc_dagster.pipeline.remedies.tries import READ_LOG, RESCAN
from padocc_dagster.pipeline.remedies.words import TO_FILL_IN, Explanation, Remedy, written_out
from padocc_dagster.pipeline.workdir.event_log import ends_of, events_of
from padocc_dagster.pipeline.workdir.events import PhaseRequested
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.tried import aggregators_tried

OUT_OF_PLACE = {
    "kerchunk": ("--cloud-format kerchunk", "cloud_format=kerchunk"),
    "parquet": ("cloud_format=kerchunk",),
    "zarr": ("--cloud-format zarr", "--aggregator", "cloud_format=kerchunk"),
    "CFA": ("--cloud-format CFA", "--aggregator", "--thorough", "dropped=", "{key} --set identical_dims=", "concat_dims=", "--new-version"),
}
"""What changes nothing for a product of this format, or is refused for it (`selection/options.py`)."""

NAMED = {"memory": 16, "time": 8}
"""GiB and hours that remedies name where nothing is known."""


def commands_for(
    workdir: Workdir, project: Project, explanation: Explanation, phase: str = "", why: str = "", with_root: bool = True
) -> list[tuple[str, str]]:
    """The remedies for one project: sentence and command, ready to paste. Opens a source file only where a command needs its dimension."""
    spec = _spec(workdir, project)
    pattern = spec.pattern if spec and spec.pattern.startswith("/") else ""
    known = {"present": pattern} if pattern else {}
    if any("{dimension}" in remedy.command for remedy in explanation.remedies):
        known |= _dimension(workdir, project)
    known |= _named(workdir, project) | _more(workdir, project)
    root = Path(workdir.root) if with_root else None
    pointless: tuple[str, ...] = OUT_OF_PLACE.get(spec.options.cloud_format, ()) if spec else ()
    pointless += ("concat_dims=",) if spec and spec.options.concat_dims else ()
    helpless = {each for odd in odd_kept(workdir, project) for each in odd.refused_by}
    pointless += tuple(word for each in sorted(helpless) for word in (f"--cloud-format {each}", f"cloud_format={each}"))
    tried = aggregators_tried(workdir, project) if phase == "compute" else ()
    pointless += ("--thorough",) if _was_thorough(workdir, project) else ()
    pointless += tuple(f"recompute {{key}} --aggregator {name}" for name in tried)
    fitting = [remedy for remedy in _of_reason(workdir, project, explanation) if not any(word in remedy.command for word in pointless)]
    if phase in ("init", "scan"):
        fitting = before_compute(fitting) or [RESCAN]

    def written(remedy: Remedy) -> str:
        return written_out(remedy, project, phase, why, root, _with_present(remedy, known, spec))

    useful = [remedy for remedy in fitting if remedy is INITIALISE or not spec or not _changes_nothing(written(remedy), spec)]
    now = f" (now {pattern})" if pattern else ""
    offered = useful or (explanation.remedies and (READ_LOG,))
    return [(remedy.sentence + (now if "{pattern}" in remedy.command else ""), written(remedy)) for remedy in offered]


def _with_present(remedy: Remedy, known: dict[str, str], spec: ProjectSpec | None) -> dict[str, str]:
    """What is known, where the command sets a list together with what the list has: an edit replaces it."""
    if spec is None:
        return known
    present = {"dropped=": spec.dropped, "identical_dims=": spec.options.identical_dims}
    names = next((names for field, names in present.items() if field in remedy.command), ())
    filled = {name: known.get(name, TO_FILL_IN[name]) for name in ("variable", "dimension") if f"{{{name}}}" in remedy.command}
    return known | {name: ",".join(dict.fromkeys([*names, value])) for name, value in filled.items() if names}


def _changes_nothing(command: str, spec: ProjectSpec) -> bool:
    """Whether the command is an edit that sets every field to what it is."""
    words = shlex.split(command)
    settings = [setting for option, setting in pairwise(words) if option == "--set"]
    return words[1] == "edit" and bool(settings) and all(_is_so(setting, spec.as_dict()) for setting in settings)


def _is_so(setting: str, spec: dict[str, Any]) -> bool:
    name, _, written = setting.partition("=")
    field, _, entry = name.partition(".")
    value = {**spec, **spec["options"]}.get(field)
    return bool((value or {}).get(entry) == yaml.safe_load(written) if entry else value == yaml.safe_load(written))


def _of_reason(workdir: Workdir, project: Project, explanation: Explanation) -> Sequence[Remedy]:
    """The explanation's remedies, or those for the kind of difference that the comparison found."""
    reason = _details(workdir, project).get("reason", "")
    return BY_REASON.get(str(reason), explanation.remedies) if explanation is CLASSES["ProductDiffersFromSource"] else explanation.remedies


def before_compute(remedies: Sequence[Remedy]) -> list[Remedy]:
    """What can be tried of these before a scan has passed, when there is nothing to compute again."""
    found = [remedy._replace(command=remedy.unscanned) if remedy.unscanned else remedy for remedy in remedies]
    return list({remedy.command: remedy for remedy in found if not remedy.command.startswith("recompute")}.values())


def _spec(workdir: Workdir, project: Project) -> ProjectSpec | None:
    try:
        return spec_of(workdir, project)
    except CorruptFileError:
        return None


def _named(workdir: Workdir, project: Project) -> dict[str, str]:
    """The variable, or the field of the config, that the last failure is about."""
    details = _details(workdir, project)
    return {name: str(details[name]) for name in ("variable", "field") if details.get(name)}


def _details(workdir: Workdir, project: Project) -> dict[str, Any]:
    """What the last end of a phase carries besides its message."""
    end = next(ends_of(workdir, project), None)
    return end.details if end else {}


def _was_thorough(workdir: Workdir, project: Project) -> bool:
    """Whether the last computation that somebody requested found order and dimensions anew."""
    requests = [step for step in events_of(workdir, project) if isinstance(step, PhaseRequested) and step.phase == "compute"]
    return bool(requests and requests[-1].choices.get("thorough"))


def _more(workdir: Workdir, project: Project) -> dict[str, str]:
    """More memory and time than the last run had requested, where that is known and what a remedy names is no more."""
    had = next((end.used.requested for end in ends_of(workdir, project) if end.used and end.used.requested), None)
    if had is None:
        return {}
    gibibytes, hours = 2 * -(-(had.memory_mib or 0) // 1024), 2 * -(-(had.wall_seconds or 0) // 3600)
    more = {"memory": (gibibytes, f"{gibibytes}G"), "time": (hours, f"{hours:02d}:00:00")}
    return {name: text for name, (number, text) in more.items() if number > NAMED[name]}


def _dimension(workdir: Workdir, project: Project) -> dict[str, str]:
    """The dimension of the first file that can be read which is unlimited, or which a time runs along."""
    for path in read_lines(workdir.allfiles(project))[:3]:
        with suppress(Exception):  # a file that cannot be read says nothing here; the phases say so
            if found := dimension_of(path):
                return {"dimension": found}
    return {}


def dimension_of(path: str) -> str:
    """The dimension along which a file seems to be one of many: the unlimited one, or the one of a time; empty when none is."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        unlimited = [name for name, dimension in dataset.dimensions.items() if dimension.isunlimited()]
        timed = [
            variable.dimensions[0]
            for variable in dataset.variables.values()
            if len(variable.dimensions) == 1 and " since " in str(getattr(variable, "units", ""))
        ]
    return next(iter([name for name in unlimited if name in timed] + unlimited + timed), "")
