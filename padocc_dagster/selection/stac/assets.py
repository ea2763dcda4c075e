"""Which assets of an item are its source files."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Fields, Node, fields_of, texts_of

FIELDS = ("roles", "types", "names")
NETCDF = ("application/x-netcdf", "application/netcdf", "application/x-hdf*", "application/hdf*", "application/vnd.*netcdf*")
SUFFIXES = (".nc", ".nc4", ".h5", ".hdf5")
DERIVED = ("thumbnail", "overview", "metadata")


@dataclass(frozen=True)
class AssetChoice:
    """What is asked of an asset; without anything, that its role is data (or none) and that it is NetCDF or HDF."""

    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Media types, as patterns."""
    names: tuple[str, ...] = ()
    """The assets' keys, as patterns."""

    def takes(self, name: str, asset: dict[str, Any]) -> bool:
        """Whether the asset is a source file."""
        roles, media = _roles(asset), str(asset.get("type") or "").partition(";")[0].strip().lower()
        if not (self.roles or self.types or self.names):
            source = "reference" not in roles and ("data" in roles or not roles & set(DERIVED))  # PADOCC calls its own products both
            return source and (_fits(media, NETCDF) if media else _is_netcdf(asset))
        return (
            (not self.roles or bool(roles & set(self.roles)))
            and (not self.types or _fits(media, self.types))
            and (not self.names or _fits(name, self.names))
        )


def read_assets(fields: Fields, findings: Findings) -> AssetChoice:
    """The choice of assets in a `stac:` section."""
    if "assets" not in fields:
        return AssetChoice()
    given = fields_of(fields["assets"], "assets", FIELDS, findings)
    chosen = {}
    for name, node in given.items():
        one = Node([node], node.line) if isinstance(node.value, str) else node
        chosen[name] = tuple(entry.value for entry in texts_of(one, f"{name} of assets", findings))
    return AssetChoice(**chosen)


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _roles(asset: dict[str, Any]) -> set[str]:
    roles = asset.get("roles")
    return {role for role in (roles if isinstance(roles, list) else [roles]) if isinstance(role, str)}


def _is_netcdf(asset: dict[str, Any]) -> bool:
    return str(asset.get("href", "")).partition("?")[0].endswith(SUFFIXES)
