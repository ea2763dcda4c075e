"""The fragments of a CFA-netCDF file: which source file each part of a variable comes from. No data is read here."""

from itertools import accumulate
from typing import Any

from padocc_dagster.pipeline.comparison.case import Case, Fragments
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.sources import opened


def read_fragments(path: str) -> dict[str, Fragments]:
    """The fragments of every aggregated variable (CF 1.12, section 2.8). Raises ValueError for a variable without its terms.

    The file must not be open elsewhere in this process (see `compare._examine`).
    """
    with opened(path) as dataset:
        return {name: _terms(dataset, variable) for name, variable in dataset.variables.items() if "aggregated_data" in variable.ncattrs()}


def check_fragments(case: Case) -> None:
    """Check that every fragment lies in the file that belongs in its place, and that every file has one. Variables without must be read."""
    files, findings, placement = {source: number for number, source in enumerate(case.sources)}, case.findings, case.placement
    used: set[int] = set()
    for name, found in case.fragments.items():
        axis = found.dimensions.index(placement.dimension) if placement.dimension in found.dimensions else None
        edges = list(accumulate(_sizes(found, axis), initial=0))
        strangers = {str(i) for i in found.identifiers.ravel()} - {name}
        if strangers:
            findings.problem("fragments", f"fragments of {name} are read from other variables: {', '.join(sorted(strangers))}", name)
        for position, uri in _positions(found.uris):
            file = files.get(str(uri).removeprefix("file://"))
            owner = _owner(position, axis, edges, placement)
            if file is None:
                findings.problem("fragments", f"a fragment of {name} lies in {uri}, which is not one of the source files", name)
            elif owner is not None and owner != file:
                expected = case.sources[owner]
                findings.problem("fragments", f"fragment {position} of {name} lies in {uri}, but its place is that of {expected}", name)
            else:
                used.add(file)
    every = set(files.values())
    for number in sorted(every - used) if case.fragments else ():
        findings.problem("source files", f"no fragment of the product lies in {case.sources[number]}")
    for name, plan in case.plans.items():
        if name in case.fragments:
            plan.chunks_expected = plan.chunks_present = case.fragments[name].uris.size
        else:
            plan.forced |= every if plan.reader.placed else {0}


def _terms(dataset: Any, variable: Any) -> Fragments:
    import numpy as np

    words = variable.getncattr("aggregated_data").replace(":", " ").split()
    terms = dict(zip(words[::2], words[1::2], strict=True))
    missing = {"uris", "identifiers", "map"} - terms.keys()
    if missing:
        raise ValueError(f"variable {variable.name} has no {', '.join(sorted(missing))} among its fragment terms {sorted(terms)}")
    return Fragments(
        np.asarray(dataset.variables[terms["uris"]][...], dtype=object),
        np.atleast_1d(np.asarray(dataset.variables[terms["identifiers"]][...], dtype=object)),
        np.asarray(dataset.variables[terms["map"]][...]),
        tuple(variable.getncattr("aggregated_dimensions").split()),
    )


def _sizes(found: Fragments, axis: int | None) -> list[int]:
    """The fragments' sizes along the concatenation dimension."""
    return found.lengths[axis][: found.uris.shape[axis]].tolist() if axis is not None and found.lengths.ndim == 2 else []


def _positions(uris: Any) -> Any:
    import numpy as np

    return ((tuple(int(i) for i in position), uris[position]) for position in np.ndindex(uris.shape))


def _owner(position: tuple[int, ...], axis: int | None, edges: list[int], placement: Placement) -> int | None:
    """The file whose values lie where the fragment is; None when every file holds them."""
    if axis is None:
        return None
    files = placement.owners(edges[position[axis]], edges[position[axis] + 1])
    if len(files) != 1:
        raise ValueError(f"fragment {position} spans {len(files)} source files")
    return files[0]
