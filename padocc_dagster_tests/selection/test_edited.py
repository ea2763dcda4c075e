"""A spec edited field by field: whatever a group config may say is taken, anything else is refused with the fix."""

from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec
from padocc_dagster.pipeline.workdir.step import StepRefused
from padocc_dagster.selection.edited import differences, edited

A1B = Project("cci", "a1b")


@pytest.fixture
def spec(data: Path) -> ProjectSpec:
    files = tuple(f"{data}/m_{month}.nc" for month in (1, 2, 10))
    return ProjectSpec("a1b", f"{data}/m_*.nc", files, {"title": "A1B"}, ("history",))


def edit(spec: ProjectSpec, remove: tuple[str, ...] = (), **setting: Any) -> ProjectSpec:
    return edited({A1B: spec}, {name.replace("__", "."): value for name, value in setting.items()}, remove, Path("/"))[A1B]


def refused(spec: ProjectSpec, remove: tuple[str, ...] = (), **setting: Any) -> str:
    with pytest.raises(StepRefused) as caught:
        edit(spec, remove, **setting)
    return str(caught.value)


def test_any_field_can_be_set(spec: ProjectSpec, data: Path) -> None:
    found = edit(
        spec,
        pattern=f"{data}/m_1*.nc",
        updates={"a": 1},
        removals=["comment"],
        dropped=["time_counter"],
        cloud_format="zarr",
        compare=3,
        concat_dims=["time"],
        xarray={"decode_times": False},
    )
    options = ProjectOptions(cloud_format="zarr", compare=3, concat_dims=("time",), xarray={"decode_times": False})
    files = (f"{data}/m_1.nc", f"{data}/m_10.nc")
    assert found == ProjectSpec("a1b", f"{data}/m_1*.nc", files, {"a": 1}, ("comment",), (), options, ("time_counter",))
    assert edit(spec, variables=["tas"], aggregator="K", identical_dims=["lat"]).options.identical_dims == ("lat",)
    assert edit(spec, cfa=True).options.cfa


def test_one_entry_of_a_mapping_is_set_or_removed_and_the_others_stay(spec: ProjectSpec) -> None:
    assert edit(spec, updates__licence="open").updates == {"title": "A1B", "licence": "open"}
    assert edit(spec, remove=("updates.title",)).updates == {}
    assert edit(edit(spec, xarray={"decode_times": False}), xarray__mask_and_scale=False).options.xarray == {
        "decode_times": False,
        "mask_and_scale": False,
    }


def test_a_removed_field_is_back_at_its_default(spec: ProjectSpec) -> None:
    changed = edit(spec, cloud_format="zarr", compare="all")
    assert edit(changed, remove=("cloud_format", "compare", "removals", "updates", "variables")) == edit(
        ProjectSpec("a1b", spec.pattern, ()), compare="auto"
    )


def test_files_replace_the_pattern_and_a_list_file_replaces_files(spec: ProjectSpec, data: Path, tmp_path: Path) -> None:
    listed = edit(spec, files=[f"{data}/m_2.nc"])
    assert (listed.pattern, listed.files) == ("", (f"{data}/m_2.nc",))
    (tmp_path / "list.txt").write_text(f"/elsewhere/{data.name}/m_1.nc\n")
    found = edit(listed, file_list=str(tmp_path / "list.txt"), substitutions={"/elsewhere": str(tmp_path)})
    assert (found.pattern, found.files) == (str(tmp_path / "list.txt"), (f"{data}/m_1.nc",))
    assert edit(found, compare="all").files == found.files


def test_substitutions_of_listed_files_are_made_once(spec: ProjectSpec, data: Path) -> None:
    listed = edit(spec, files=["/elsewhere/m_1.nc"], substitutions={"/elsewhere": str(data)})
    assert (listed.files, listed.substitutions) == ((f"{data}/m_1.nc",), {})


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({}, "nothing is to be set or removed"),
        ({"colour": "red"}, "there is no field 'colour': known are pattern, files"),
        ({"cloud_fromat": "zarr"}, "did you mean 'cloud_format'?"),
        ({"code": "b"}, "a project's code cannot be edited"),
        ({"base64": ["time"]}, "base64 has no effect: only PADOCC's aggregator P"),
        ({"b64vars": ["time"]}, "P writes wrong shapes"),
        ({"cloud_format__x": 1}, "names no entry"),
        ({"cloud_format": "netcdf"}, "cci:a1b: options.cloud_format is 'netcdf': known are"),
        ({"cloud_format": ["zarr"]}, "cci:a1b: options.cloud_format is ['zarr']: did you mean 'zarr'?"),
        ({"variables": "tas"}, "cci:a1b: variables is 'tas': write a list"),
        ({"variables": ["t;as"]}, "an entry of variables is 't;as': use letters, digits"),
        ({"updates": {"title": None}}, "cci:a1b: updates.title is nothing: write text, a number"),
        ({"pattern": "/nowhere/*.nc"}, "cci:a1b: pattern '/nowhere/*.nc' matches nothing"),
        ({"pattern": "/data/`id`/*.nc"}, "shell characters"),
        ({"files": ["/nowhere/a.nc"]}, "1 of 1 source files"),
        ({"pattern": "/a/*.nc", "files": []}, "keep exactly one"),
        ({"concat_dims": "time"}, "options.concat_dims is 'time': write a list of one name, [time]"),
        (
            {"concat_dims": ["time", "level"]},
            "write a list of one name, [time]; a product joined along several dimensions cannot be compared",
        ),
        ({"concat_dims": ["a b"]}, "an entry of options.concat_dims is 'a b': use letters, digits"),
        ({"concat_dims": ["t"], "identical_dims": ["t"]}, "'t' is in concat_dims and in identical_dims"),
        ({"concat_dims": ["t"], "cfa": True}, "a CFA aggregation finds its dimensions itself"),
        ({"dropped": ["t"], "cloud_format": "CFA"}, "keeps all variables in a CFA aggregation"),
        ({"dropped": ["t"], "variables": ["tas"]}, "keep one of the two"),
        ({"variables": ["tas"], "cloud_format": "zarr"}, "keeps all variables in the cloud format zarr"),
        ({"xarray": {"chunks": 1}}, "unknown field 'chunks' in xarray: known are engine"),
        ({"xarray": {"decode_times": "no"}}, "decode_times is 'no': write true or false"),
        ({"xarray": {"decode_times": 1}}, "decode_times is 1: write true or false"),
        ({"xarray": {"engine": ["zarr"]}}, "engine is ['zarr']: write netcdf4 or scipy"),
        ({"xarray": {"drop_variables": ["t"]}}, "the project's field 'dropped'"),
        ({"xarray": "decode_times"}, "write a mapping"),
        ({"substitutions": ["/a"]}, "substitutions is ['/a']: write texts and what replaces them"),
        ({"substitutions": {"/a": 3}}, "substitutions.'/a' is 3: write texts and what replaces them"),
        ({"substitutions": {"/a": "$HOME"}}, "substitutions.'/a' is '$HOME': not safe"),
        ({"substitutions": {"": "/a"}}, "substitutions.'': empty; write the part of the paths"),
    ],
)
def test_a_wrong_edit_is_refused_and_the_fix_is_named(setting: dict[str, Any], sentence: str, spec: ProjectSpec) -> None:
    assert sentence in refused(spec, **setting)


def test_a_project_left_without_files_and_a_field_both_set_and_removed_are_refused(spec: ProjectSpec) -> None:
    assert "cci:a1b: has no source files: give a pattern" in refused(spec, remove=("pattern",))
    assert "updates is to be set and to be removed" in refused(spec, remove=("updates",), updates={})


def test_problems_of_all_projects_are_told_at_once(spec: ProjectSpec) -> None:
    specs = {Project(group, "a1b"): spec for group in ("cci", "other")}
    with pytest.raises(StepRefused) as caught:
        edited(specs, {"cloud_format": "x", "compare": 0}, (), Path("/"))
    assert [problem.split(": ")[0] for problem in caught.value.problems] == ["cci:a1b"] * 2 + ["other:a1b"] * 2


def test_differences_are_told_field_by_field(spec: ProjectSpec) -> None:
    assert differences(spec, edit(spec, remove=("removals",), cloud_format="zarr")) == [
        "removals: ['history'] → not set",
        "cloud_format: not set → zarr",
    ]
