"""The faults that servers of STAC have, as values. `proxy.py` puts them before a server that works."""

import json
import sys
from dataclasses import dataclass
from typing import Any, Literal

EVER = sys.maxsize
WEB_PAGE = b"<!DOCTYPE html><html><body><h1>Scheduled maintenance</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """What is wrong. Pages are answers to a search or to a list of items, counted from 1."""

    path: str = "/"
    """Only requests whose path begins so are concerned."""
    first: int = 0
    """So many requests fail, and then no more; EVER for all."""
    status: int | None = 503
    """How these fail; None: their connection is closed without an answer."""
    retry_after_seconds: int | None = None
    """These tell the client when to try again."""
    location: str | None = None
    """These tell it to ask there."""
    delay_seconds: float = 0.0
    """Every answer comes so late."""
    nonsense: Literal["html", "truncated", "cut", "null"] | None = None
    """Every answer, with status 200, is a web page, is half of its JSON, is half of its bytes and then the connection ends, or is `{}`."""
    gone_after: int = EVER
    """After so many pages the server has gone away for everything …"""
    refused: bool = False
    """… and nobody listens at its port any more; else connections are taken and closed without an answer."""
    same_page: bool = False
    """Every page is the first, with its link to a next."""
    empty_page: int = EVER
    """This page has no items, but its link to the next."""
    last_page: int = EVER
    """This page has no link to a next, whether or not there are more."""
    repeated: bool = False
    """Every page begins with the item that the page before ended with."""
    endless: bool = False
    """Every page is the first, but its link to a next is one that was never given."""
    trickle_seconds: float = 0.0
    """Every answer comes byte by byte, and each byte so late."""
    replaced: tuple[tuple[str, str], ...] = ()
    """In every answer these texts stand for those."""

    def concerns(self, path: str) -> bool:
        return path.startswith(self.path)

    def changed(self, content: bytes, page: int) -> bytes:
        """What becomes of an answer that is page `page`, or no page when that is 0."""
        if page in (self.empty_page, self.last_page):
            answer: dict[str, Any] = json.loads(content)
            if page == self.empty_page:
                answer["features"] = []
            if page == self.last_page:
                answer["links"] = [link for link in answer["links"] if link["rel"] != "next"]
            content = json.dumps(answer).encode()
        for text, other in self.replaced:
            content = content.replace(text.encode(), other.encode())
        if self.nonsense == "html":
            return WEB_PAGE
        if self.nonsense == "null":
            return b"{}"
        return content[: len(content) // 2] if self.nonsense == "truncated" else content


def is_page(path: str) -> bool:
    """Whether the answer to this path is a page of items."""
    return path.endswith(("/search", "/items"))
