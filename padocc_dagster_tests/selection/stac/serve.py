"""The program of the STAC server's process: stac-fastapi-pgstac on a socket that its parent opened and listens on.

pgstac's API answers every collection with the root as its parent and no children. Other servers keep what they were given, and nested
collections need it, so this one does too.
"""

import socket
import sys
from typing import Any

import uvicorn
from stac_fastapi.pgstac import core
from stac_fastapi.pgstac.app import create_app
from stac_fastapi.pgstac.models.links import CollectionLinks


class KeptLinks(CollectionLinks):
    """The links of a collection, with its own parent and children where it was loaded with them."""

    async def get_links(self, extra_links: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        kept = [link for link in extra_links or [] if link["rel"] in ("parent", "child")]
        replaced = {link["rel"] for link in kept}
        links = [link for link in await super().get_links(extra_links) if link["rel"] not in replaced]
        return links + [{**link, "href": self.resolve(link["href"])} for link in kept]


if __name__ == "__main__":
    core.CollectionLinks = KeptLinks
    listening = socket.socket(fileno=int(sys.argv[1]))
    uvicorn.Server(uvicorn.Config(create_app(), log_level="warning")).run(sockets=[listening])
