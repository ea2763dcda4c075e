"""What can be tried, for failures that share it."""

from padocc_dagster.pipeline.remedies.words import Remedy

AGAIN = Remedy("run the phase again, for nothing says that it would end so again", "{again} {key}")
MORE_MEMORY = Remedy("give the run more memory (on SLURM; elsewhere free some first)", "{again} {key} --memory 16G")
MORE_ROOM = Remedy("free space on that disk, then run the phase again", "{again} {key}")
MORE_TIME = Remedy("give the run more time (on SLURM)", "{again} {key} --time 08:00:00")
ELSEWHERE_LATER = Remedy("run the phase again when the machine is well", "{again} {key}")

ZARR = Remedy(
    "make a Zarr store (cloud format zarr), which copies the values and can hold chunks of any shape",
    "recompute {key} --cloud-format zarr",
    unscanned="edit {key} --set cloud_format=zarr",
)
NEW_ZARR = Remedy(
    "make a Zarr store instead, written from the values",
    "recompute {key} --cloud-format zarr --new-version",
    unscanned="edit {key} --set cloud_format=zarr",
)
WITH_K = Remedy("compute with aggregator K (MultiZarrToZarr)", "recompute {key} --aggregator K")
WITH_V = Remedy("compute with aggregator V (VirtualiZarr)", "recompute {key} --aggregator V")
NEW_WITH_K = Remedy("compute a new version with aggregator K (MultiZarrToZarr)", "recompute {key} --aggregator K --new-version")
NEW_WITH_V = Remedy("compute a new version with aggregator V (VirtualiZarr)", "recompute {key} --aggregator V --new-version")
NEW_VERSION = Remedy("compute a new version beside the present product", "recompute {key} --new-version")
RECOMPUTE = Remedy("compute the product again", "recompute {key}")
THOROUGH = Remedy("find the order of the files and their dimensions anew", "recompute {key} --thorough")
CFA = Remedy(
    "make a CFA aggregation, which keeps what each file has of its own",
    "recompute {key} --cloud-format CFA",
    unscanned="edit {key} --set cloud_format=CFA",
)
KERCHUNK = Remedy(
    "make kerchunk references instead", "recompute {key} --cloud-format kerchunk", unscanned="edit {key} --set cloud_format=kerchunk"
)

RESCAN = Remedy("scan again, and what follows follows", "rescan {key}")
RESCAN_REPLACED = Remedy("replace the files named, then scan again", "rescan {key}")
REVALIDATE = Remedy("validate again", "revalidate {key}")

ORDERED_BY = Remedy("say along which dimension the files follow each other", "edit {key} --set concat_dims=[{dimension}]")
WITHOUT_EMPTY = Remedy(
    "leave out the coordinate of that dimension, if its values say nothing (the same in every file)",
    "edit {key} --set dropped=[{dimension}]",
)
ANOTHER_PATTERN = Remedy("edit the pattern so that it finds the files meant, and no others", "edit {key} --set pattern={pattern}")
ANOTHER_PATTERN_WITHOUT = Remedy(
    "edit the pattern so that the files found go together, and make a project of the others", "edit {key} --set pattern={pattern}"
)
SAME_IN_ALL = Remedy(
    "say what is the same in all files, so that it is taken from the first", "edit {key} --set identical_dims=[{variable}]"
)
SAME_COORDINATE = Remedy(
    "say that the coordinate is the same in all files, so that the first file's values are taken",
    "edit {key} --set identical_dims=[{variable}]",
)
SAME_COORDINATE_IN_KERCHUNK = Remedy(
    "make kerchunk references instead, and say that the coordinate is the same in all files",
    "edit {key} --set cloud_format=kerchunk --set identical_dims=[{variable}]",
)
DROP = Remedy("leave out the variable that cannot be aggregated", "edit {key} --set dropped=[{variable}]")
RAW_VALUES = Remedy(
    "have values copied as they are stored, with both of their missing values", "edit {key} --set xarray.mask_and_scale=false"
)
WITHOUT_TIMES = Remedy("have the files opened without decoding times", """edit {key} --set 'xarray={{"decode_times": false}}'""")

TICK = Remedy("look at the differences, and accept them if they do no harm (a tick, with your name)", "tick {key}")
TICK_IF_EQUAL = Remedy("accept it by eye, if the check product_matches_source has passed: PADOCC is then mistaken", "tick {key}")
COMPARE = Remedy("look at what differs from an earlier version", "compare {key}")
READ_LOG = Remedy("read the history and the end of the phase's log", "explain {key} --log")
GIVE_UP = Remedy("give the project up: put it on the faultlist", "faultlist add {key}")
OTHER_FILES = (RESCAN_REPLACED, ANOTHER_PATTERN, GIVE_UP)
"""Where source files are at fault."""
REMOVE = Remedy("remove the project from the group", "remove {key}")
DOCTOR = Remedy("have the deployment examined", "doctor")

AUDIT = Remedy("look again: which files changed, and whether the values are still equal", "audit {group}")
ACCEPT = Remedy("accept the change, where the values are still equal, also once the files were put back", "accept {key}")
NEW_VERSION_THEN_WITHDRAW = Remedy(
    "publish a new version from the files as they are now, then withdraw this one", "recompute {key} --new-version"
)
WITHDRAW = Remedy("withdraw the product, with a note for its readers", "withdraw {key}")
