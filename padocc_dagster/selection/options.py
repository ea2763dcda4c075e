"""The options of a group and of its projects, and which of them go together."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Field

from padocc_dagster.pipeline.workdir.spec import Aggregator, CloudFormat, ProjectOptions
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.validation import Fields, Text

NO_BASE64 = "only PADOCC's aggregator P reads which variables to store as base64, and P writes wrong shapes and is not run: leave it out"
REFERENCES, NO_CFA = "choose kerchunk or parquet", "choose another cloud format (and cfa: false)"
Entry = TypeVar("Entry")


def once(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Each entry once, in order."""
    return tuple(dict.fromkeys(entries))


Variable = Annotated[Text, Field(pattern=r"^[A-Za-z0-9_.+\-]+$")]


class XarrayOptions(Fields, title="xarray"):
    """Options of `xarray.open_dataset`."""

    refused: ClassVar[Mapping[str, str]] = {
        "drop_variables": "name the variables in the project's field 'dropped', which the comparison with the sources knows of"
    }
    engine: Literal["netcdf4", "scipy"] = Field(default="netcdf4", description="write netcdf4 or scipy")
    decode_cf: bool = True
    decode_coords: bool = True
    decode_times: bool = True
    decode_timedelta: bool = True
    mask_and_scale: bool = True


class Options(Fields, title="options"):
    """The options of a group or a project. null takes back what the group sets for all projects."""

    refused: ClassVar[Mapping[str, str]] = {"base64": NO_BASE64, "b64vars": NO_BASE64}
    cloud_format: CloudFormat | None = None
    """The form of the product; kerchunk, where it is left out."""
    aggregator: Aggregator | None = Field(
        default=None,
        description="write V (VirtualiZarr) or K (kerchunk), or leave it out to try V, then K; PADOCC's aggregator P writes wrong shapes",
    )
    """What joins the files of a kerchunk or parquet product."""
    cfa: bool | None = None
    """Whether a CFA aggregation is made as well."""
    compare: Literal["auto", "all"] | Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="write auto, all, or a number of files from 1 up"
    )
    """How many files the comparison reads whole; auto reads what is not proved otherwise."""
    concat_dims: tuple[Variable, ...] | None = Field(
        default=None,
        strict=False,
        max_length=1,
        description="write a list of one name, [time]; a product joined along several dimensions cannot be compared with its sources",
    )
    """The dimension along which the files follow each other, where PADOCC does not find it."""
    identical_dims: tuple[Variable, ...] | None = Field(default=None, strict=False, description="write a list of names, [lat, lon]")
    """Dimensions and variables that are the same in all files."""
    identical_within: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="write a number from 0 up, in the variable's own unit"
    )
    """How far apart values of what is declared identical may be."""
    xarray: XarrayOptions | None = None
    """How the files are opened."""

    def over(self, group: "Options") -> ProjectOptions:
        """The options that hold for a project whose own these are."""
        values = {**group.model_dump(exclude_unset=True), **self.model_dump(exclude_unset=True)}
        return ProjectOptions(**{name: value for name, value in values.items() if value is not None})


def refuse_what_does_not_go_together(
    options: ProjectOptions, variables: bool, dropped: bool, files: tuple[str, ...], line: int, findings: Findings
) -> None:
    """Report what PADOCC 1.5.1 cannot do. `variables` and `dropped`: whether any are given. No files means that they are not known."""
    made = options.cloud_format
    cfa, references = options.cfa or made == "CFA", made in ("kerchunk", "parquet")
    dimensions = options.concat_dims or options.identical_dims
    within_nothing = options.identical_within is not None and not options.identical_dims
    both = [name for name in options.identical_dims if name in options.concat_dims]
    all_kept = f"PADOCC 1.5.1 keeps all variables in the cloud format {made}"
    no_part = f"aggregator {options.aggregator} has no part in the cloud format {made}"
    for wrong, text in (
        (variables and dropped, "variables says which are kept and dropped which are not: keep one of the two"),
        (dropped and cfa, "PADOCC 1.5.1 keeps all variables in a CFA aggregation: leave dropped out, or choose no CFA"),
        (dimensions and cfa, "a CFA aggregation finds its dimensions itself: leave concat_dims and identical_dims out, or choose no CFA"),
        (within_nothing, "identical_within says how far apart what is declared identical may be: name that in identical_dims"),
        (both, f"{some(both)} is in concat_dims and in identical_dims: keep one of the two"),
        (variables and not references, f"{all_kept}: leave variables out (variables: [] where the group sets them), or {REFERENCES}"),
        (
            variables and references and cfa,
            "PADOCC 1.5.1 keeps all variables in a CFA aggregation: leave variables out, or set cfa to false",
        ),
        (options.aggregator and not references, f"{no_part}: leave it out (aggregator: null where the group sets it), or {REFERENCES}"),
        (cfa and len(files) == 1, f"a CFA aggregation needs at least two source files and there is one: {NO_CFA}, or widen the pattern"),
    ):
        if wrong:
            findings.add(line, text)
