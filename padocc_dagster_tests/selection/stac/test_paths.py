"""From the address of an asset to the file on this machine."""

import pytest

from padocc_dagster.selection.source_files import fault_of
from padocc_dagster.selection.stac.paths import PROFILES, absolute, local_path

RULES = {"https://h/a": "/one", "https://h/a/b": "/two", "/old": "/new", "https://h/a/b/c.nc": "/three/c.nc", "s3://bucket": "/bucket"}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://h/a/x.nc", "/one/x.nc"),
        ("https://h/a/b/x.nc", "/two/x.nc"),
        ("https://h/a/bc/x.nc", "/one/bc/x.nc"),
        ("https://h/a/b/c.nc", "/three/c.nc"),
        ("https://h/ab/x.nc", None),
        ("https://h/x.nc", None),
        ("https://other/a/x.nc", None),
        ("http://h/a/x.nc", None),
        ("https://h/a/x.nc?token=1#top", "/one/x.nc"),
        ("https://h/a/my%20file.nc", "/one/my file.nc"),
        ("https://h/a/b%2Fx.nc", "/two/x.nc"),
        ("s3://bucket/x.nc", "/bucket/x.nc"),
        ("s3://bucket2/x.nc", None),
        ("/old/x.nc", "/new/x.nc"),
        ("/older/x.nc", "/older/x.nc"),
        ("/d/x#1?.nc", "/d/x#1?.nc"),
        ("/d/my%20file.nc", "/d/my%20file.nc"),
        ("file:///d/my%20file.nc", "/d/my file.nc"),
        ("file:///old/x.nc", "/new/x.nc"),
        ("relative/x.nc", None),
        ("", None),
        ("http://[::1/x.nc", None),
        ("data:application/x-netcdf,abc", None),
    ],
)
def test_an_address_is_the_path_of_the_longest_rule_of_whole_components(address: str, path: str | None) -> None:
    assert local_path(address, RULES) == path


def test_without_rules_paths_are_paths_and_addresses_are_elsewhere() -> None:
    assert local_path("/d/x.nc", {}) == "/d/x.nc"
    assert local_path("https://h/a/x.nc", {}) is None


@pytest.mark.parametrize("root", ["badc", "neodc"])
def test_the_rules_of_ceda_bring_its_addresses_to_its_archive(root: str) -> None:
    assert local_path(f"https://dap.ceda.ac.uk/{root}/cmip6/x.nc", PROFILES["ceda"]) == f"/{root}/cmip6/x.nc"
    assert local_path("https://dap.ceda.ac.uk/thredds/x.nc", PROFILES["ceda"]) is None
    assert local_path(f"https://data.ceda.ac.uk/{root}/x.nc", PROFILES["ceda"]) is None


@pytest.mark.parametrize("address", ["https://h/a/../x.nc", "https://h/a/%2e%2e/etc/x.nc", "file:///d/../etc/x.nc", "https://h/a/%00.nc"])
def test_an_address_that_leads_out_of_its_folder_is_no_good_file(address: str) -> None:
    assert fault_of(local_path(address, RULES)) == ("unsafe", None)


@pytest.mark.parametrize(
    ("href", "base", "address"),
    [
        ("./x.nc", "/cat/item.json", "/cat/x.nc"),
        ("../d/x.nc", "/cat/a/item.json", "/cat/d/x.nc"),
        ("x#1?.nc", "/cat/item.json", "/cat/x#1?.nc"),
        ("x.nc", "/a#b/c?d/item.json", "/a#b/c?d/x.nc"),
        ("../../../../etc/x.nc", "/cat/item.json", "/etc/x.nc"),
        ("/d/x.nc", "/cat/item.json", "/d/x.nc"),
        ("https://h/x.nc", "/cat/item.json", "https://h/x.nc"),
        ("./x.nc", "https://h/cat/item.json", "https://h/cat/x.nc"),
        ("/d/x.nc", "https://h/cat/item.json", "https://h/d/x.nc"),
        ("http://[::1/x.nc", "/cat/item.json", "http://[::1/x.nc"),
        ("http://[::1/x.nc", "https://h/", "http://[::1/x.nc"),
    ],
)
def test_a_relative_address_starts_at_its_item(href: str, base: str, address: str) -> None:
    assert absolute(href, base) == address
