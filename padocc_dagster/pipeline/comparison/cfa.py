"""The fragments of a CFA-netCDF file: which source file each part of a variable comes from. No data is read here."""

from itertools import accumulate
from typing import Any

from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.sources import opened


def check_fragments(
    path: str, placement: Placement, sources: tuple[str, ...], findings: Findings
) -> tuple[dict[str, int], set[int]]:
    """Check that every fragment lies in the file that its place asks for (CF 1.12, section 2.8).

    Returns the number of fragments of each aggregated variable, and the numbers of the source files they use.
    """
    numbers = {source: number for number, source in enumerate(sources)}
    fragments: dict[str, int] = {}
    used: set[int] = set()
    with opened(path) as dataset:
        for name, variable in dataset.variables.items():
            if "aggregated_data" not in variable.ncattrs():
                continue
            uris, identifiers, edges, axis = _terms(dataset, variable, placement.dimension)
            fragments[name] = uris.size
            kind = f"fragments of {name}"
            strangers = {str(i) for i in identifiers.ravel()} - {name}
            if strangers:
                findings.problem(kind, f"fragments of {name} are read from other variables: {', '.join(sorted(strangers))}")
            for position, uri in _positions(uris):
                file = numbers.get(str(uri).removeprefix("file://"))
                owner = _owner(position, axis, edges, placement)
                if file is None:
                    findings.problem(kind, f"a fragment of {name} lies in {uri}, which is not one of the source files")
                elif owner is not None and owner != file:
                    expected = sources[owner]
                    findings.problem(kind, f"fragment {position} of {name} lies in {uri}, but its place asks for {expected}")
                else:
                    used.add(file)
    return fragments, used


def _terms(dataset: Any, variable: Any, dimension: str | None) -> tuple[Any, Any, list[int], int | None]:
    """Fragment URIs, identifiers, where fragments begin and end along the concatenation dimension, and that axis."""
    import numpy as np

    words = variable.getncattr("aggregated_data").replace(":", " ").split()
    terms = dict(zip(words[::2], words[1::2], strict=True))
    missing = {"uris", "identifiers", "map"} - terms.keys()
    if missing:
        raise ValueError(f"variable {variable.name} has no {', '.join(sorted(missing))} among its fragment terms {sorted(terms)}")
    dimensions = variable.getncattr("aggregated_dimensions").split()
    axis = dimensions.index(dimension) if dimension in dimensions else None
    uris = np.asarray(dataset.variables[terms["uris"]][...], dtype=object)
    identifiers = np.atleast_1d(np.asarray(dataset.variables[terms["identifiers"]][...], dtype=object))
    lengths = np.asarray(dataset.variables[terms["map"]][...])
    sizes = lengths[axis][: uris.shape[axis]].tolist() if axis is not None and lengths.ndim == 2 else []
    return uris, identifiers, list(accumulate(sizes, initial=0)), axis


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
