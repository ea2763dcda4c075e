"""Variables that a product has once for all files, and that are not the same in all of them.

xarray refuses to merge such files with a `MergeError`, which names no file.
"""

from collections.abc import Collection, Sequence

from padocc_dagster.pipeline.comparison.sources import opened, read_block
from padocc_dagster.pipeline.making.refusals import DifferingSharedVariableError, some


def shared_refusal(files: Sequence[str], along: Collection[str], left_out: Collection[str]) -> DifferingSharedVariableError | None:
    """The first variable without the dimensions `along` that some file has otherwise than the first; None where there is none.

    Values are compared as stored. Raises SourceError for a file that cannot be opened.
    """
    import numpy as np

    with opened(files[0]) as first:
        shared = {
            name: read_block(first, name, ())
            for name, variable in first.variables.items()
            if name not in left_out and not set(variable.dimensions) & set(along)
        }
    odd: dict[str, list[str]] = {}
    for path in files[1:]:
        with opened(path) as dataset:
            for name, values in shared.items():
                own = read_block(dataset, name, ()) if name in dataset.variables else None
                if own is None or own.shape != values.shape or not ((own == values) | ((own != own) & (values != values))).all():
                    odd.setdefault(name, []).append(path)
    for name, paths in odd.items():
        apart = ""
        if shared[name].dtype.kind in "iuf":
            with opened(paths[0]) as dataset:
                other = read_block(dataset, name, ()) if name in dataset.variables else None
            if other is not None and other.shape == shared[name].shape:
                apart = f" by up to {float(np.nanmax(abs(other.astype('f8') - shared[name].astype('f8')))):.3g}"
        message = (
            f"variable {name} differs in {some(paths)}{apart} from {files[0]}, and a product has it once for all files: declare it "
            f"identical with identical_dims: [{name}] where only rounding differs, leave it out with dropped: [{name}], or edit the pattern"
        )
        return DifferingSharedVariableError(message, name, paths)
    return None
