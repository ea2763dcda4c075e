"""What changed from one version of a product to the next: which versions there are, and what the rows say."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.depiction.revisions import current_revision, other_revisions, published_revisions, to_compare_with
from padocc_dagster.pipeline.depiction.versions import changes
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.make_products import make as make_product
from padocc_dagster_tests.pipeline import damage
from padocc_dagster_tests.pipeline.projects import Made, copy, make


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """k1.0 published, and as it is in the working directory."""
    made = make(tmp_path_factory.mktemp("versions"), Series(lat=12, lon=12, packed=True))
    made.through("scan", "compute")
    made.verified()
    made.through("validate", "publish")
    return made


@pytest.fixture
def two(published: Made, tmp_path: Path) -> Callable[..., Made]:
    """A copy that has version 1.1, whose references were changed."""

    def two(change: Callable[[damage.Refs], Any] = lambda refs: None, version: str = "1.1") -> Made:
        made = copy(published, tmp_path / "two")
        base = read_json(made.workdir.base_cfg(made.project))
        write_json(made.workdir.base_cfg(made.project), {**base, "version_no": version})
        content = json.loads(made.product.read_text())
        change(content["refs"])
        made.product.with_name(f"k{version}a.json").write_text(json.dumps(content))
        return made

    return two


def rows(made: Made, revision: str | None = None) -> dict[tuple[str, str], tuple[str, str]]:
    found = changes(str(made.workdir.root), str(made.project), revision)["rows"]
    assert found[0]["part"] == "versions"
    return {(row["part"], row["name"]): (row["before"], row["now"]) for row in found[1:]}


def test_a_published_copy_of_the_present_product_is_no_other_version(published: Made) -> None:
    assert str(current_revision(published.workdir, published.project)) == "k1.0 (working directory)"
    assert other_revisions(published.workdir, published.project) == []
    assert [each.name for each in published_revisions(published.workdir, published.project)] == ["k1.0"]
    assert rows(published) == {("nothing", "grp:proj"): ("", "the two hold the same")}


def test_without_another_version_it_is_said_how_one_is_made(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    shutil.rmtree(made.workdir.completed)
    with pytest.raises(ValueError, match="no version beside k1.0 .* --new-version"):
        to_compare_with(made.workdir, made.project, None)


def test_a_project_without_a_product_has_no_versions(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    made.product.unlink()
    assert other_revisions(made.workdir, made.project) == []
    with pytest.raises(ValueError, match="no product"):
        to_compare_with(made.workdir, made.project, None)


def test_the_version_before_is_found_published_and_not(two: Callable[..., Made]) -> None:
    made = two()
    assert [str(each) for each in other_revisions(made.workdir, made.project)] == ["k1.0 (working directory)", "k1.0 (published)"]
    assert rows(made) == {("nothing", "grp:proj"): ("", "the two hold the same")}
    assert rows(made, "k1.0") == rows(made)


def test_an_unknown_revision_is_refused_with_those_that_there_are(two: Callable[..., Made]) -> None:
    made = two()
    with pytest.raises(ValueError, match="no other version 'k9.9' .* known are k1.0"):
        to_compare_with(made.workdir, made.project, "k9.9")


def test_a_version_made_anew_over_the_published_one_is_compared_with_that(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    content = json.loads(made.product.read_text())
    damage.metadata(content["refs"], ".zattrs", title="new")
    made.product.write_text(json.dumps(content))
    assert rows(made) == {("global attribute", "title"): ("a small series", "new")}


def test_projects_whose_codes_begin_alike_have_their_own_versions(published: Made, tmp_path: Path) -> None:
    made = copy(published, tmp_path)
    shutil.copytree(made.workdir.completed / "grp" / "proj_k1.0", made.workdir.completed / "grp" / "proj_2_k1.0")
    assert [each.product.path.parent.name for each in published_revisions(made.workdir, made.project)] == ["proj_k1.0"]


@pytest.mark.parametrize(
    ("change", "row", "shown"),
    [
        (lambda refs: damage.drop(refs, "pr"), ("variable", "pr"), ("(time, lat, lon)", "—")),
        (lambda refs: damage.metadata(refs, ".zattrs", title=None), ("global attribute", "title"), ("a small series", "—")),
        (lambda refs: damage.metadata(refs, "tas/.zattrs", units="degC"), ("attribute of tas", "units"), ("K", "degC")),
        (lambda refs: damage.resize(refs, 10), ("dimension", "time"), ("12", "10")),
    ],
    ids=["variable", "global attribute", "attribute", "dimension"],
)
def test_what_changed_is_a_row(
    two: Callable[..., Made], change: Callable[[damage.Refs], Any], row: tuple[str, str], shown: tuple[str, str]
) -> None:
    assert rows(two(change))[row] == shown


def test_variables_whose_values_differ_are_named_and_no_others(two: Callable[..., Made]) -> None:
    found = rows(two(lambda refs: damage.swap(refs, "tas/0.0.0", "tas/1.0.0")))
    assert found.keys() == {("values", "tas")}
    assert "before" in found["values", "tas"][1] and "now" in found["values", "tas"][1]


def test_references_that_moved_to_equal_values_are_no_difference(two: Callable[..., Made]) -> None:
    def of_a_copy(refs: damage.Refs) -> None:
        path = refs["tas/0.0.0"][0]
        shutil.copy(path, path + ".copy")
        damage.path_of(refs, "tas/0.0.0", path + ".copy")

    assert rows(two(of_a_copy)) == {("nothing", "grp:proj"): ("", "the two hold the same")}


def test_a_product_that_points_to_remote_files_is_not_read(two: Callable[..., Made]) -> None:
    made = two()
    content = json.loads(made.product.read_text())
    damage.path_of(content["refs"], "tas/0.0.0", "https://example.org/never/asked.nc")
    place = made.workdir.completed / "grp" / "proj_kr1.0"
    place.mkdir()
    (place / "proj_kr1.0.json").write_text(json.dumps(content))
    assert rows(made, "kr1.0") == {("values", "tas"): ("", "not compared: one of the two points to remote files")}


def test_versions_of_different_formats_are_compared_by_what_they_hold(two: Callable[..., Made]) -> None:
    made = two()
    make_product("zarr", tuple(map(str, made.sources)), made.folder)
    found = rows(made, "zr1.0")
    assert not [row for row in found if row[0] in ("values", "variable", "dimension")], found


def test_half_a_version_is_a_row(two: Callable[..., Made]) -> None:
    made = two()
    made.product.write_text("{")
    shutil.rmtree(made.workdir.completed)
    assert "cannot be held against each other" in rows(made)["product", "grp:proj"][1]
