"""Requests to catalogues: with time limits, tried again a bounded number of times, and with errors that name the address and the status.

Loaded only when a catalogue is read, as it brings `requests`.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pystac
import requests
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from urllib3 import Retry

from padocc_dagster.selection.problems import CatalogueUnreachable

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
WHOLE_SECONDS, MOST_BYTES = 600.0, 2**28
"""What the body of an answer may take, and how large it may be: a page of 200 items has about a megabyte."""
MOST_PAGES = 20_000
RETRIES, BACKOFF_SECONDS = 5, 1.0
"""They begin at once and then wait 2, 4, 8 and 16 s."""
NONSENSE_RETRIES = 2
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""
SHOWN = 200


class Refused(Exception):
    """The catalogue answers, and will answer so again: the status, and a sentence with the address."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Nonsense(CatalogueUnreachable):
    """An answer that no server means: a page about maintenance, a body that was cut off."""


class Reader(StacApiIO):
    """pystac-client's reader, held to limits.

    It reads on after a page without items that names a next one, where pystac-client takes that for the end
    (`pystac_client/stac_api_io.py:304`), stops at pages that go round, and sends what a catalogue wants posted to that catalogue only.
    """

    def __init__(self) -> None:
        retry = Retry(
            total=RETRIES,
            backoff_factor=BACKOFF_SECONDS,
            status_forcelist=PASSING,
            allowed_methods=None,  # searches are made by POST, and change nothing
            raise_on_status=False,
            retry_after_max=int(ANSWER_SECONDS),  # a server may ask for hours
        )
        super().__init__(timeout=(CONNECT_SECONDS, ANSWER_SECONDS), max_retries=retry)
        self.session.hooks["response"].append(_read_within_limits)
        self.matched: int | None = None
        """How many items the last search says that it matches, where it says so."""

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a JSON object. Raises CatalogueUnreachable or Refused."""
        address = str(getattr(source, "target", source))
        for attempt in range(NONSENSE_RETRIES + 1):
            try:
                return self._object(address, source, *args, **kwargs)
            except _Nonsense:
                if attempt == NONSENSE_RETRIES or address.startswith("/"):
                    raise
                time.sleep(BACKOFF_SECONDS * 2**attempt)
        raise AssertionError("the last attempt raises")

    def _object(self, address: str, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            value = self.json_loads(self.read_text(source, *args, **kwargs))
        except APIError as error:
            raise _refusal(address, error) from None
        except OSError as error:
            raise Refused(404, f"{address} cannot be read ({error.strerror or error})") from None
        except (ValueError, RecursionError) as error:
            raise _Nonsense(f"{address} answers with something that is no JSON ({error})") from None
        if not isinstance(value, dict):
            raise _Nonsense(f"{address} answers with JSON that is no object")
        return value

    def get_pages(self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every page that has items or collections."""
        page, seen = self.read_json(url, method=method, parameters=parameters), set()
        self.matched = _matched(page)
        for _ in range(MOST_PAGES):
            entries = page.get("features", page.get("collections"))
            if not isinstance(entries, list):
                raise CatalogueUnreachable(f"{url} answers with something that is no page of items or collections")
            if entries:
                yield page
            following = next((link for link in page.get("links") or () if link.get("rel") == "next"), None)
            if following is None:
                return
            if following.get("method", "GET") != "GET" and urlsplit(following["href"]).netloc != urlsplit(url).netloc:
                raise CatalogueUnreachable(f"{url} has its next page on another server, {in_words(following['href'])}")
            request = json.dumps(following, sort_keys=True)
            if request in seen:
                raise CatalogueUnreachable(f"{following.get('href')} goes round: its next page was read before")
            seen.add(request)
            page = self.read_json(pystac.Link.from_dict(following), parameters=parameters)
        raise CatalogueUnreachable(f"{url} has no end: {MOST_PAGES} pages were read")


def _read_within_limits(response: requests.Response, **_: Any) -> None:
    """Read the body. A server may send a byte a minute, or never stop: neither is a timeout of `requests`.

    A search that is redirected would become another one, for everything (requests makes a GET without what was posted of it).
    """
    if response.is_redirect and response.request.method == "POST":
        raise requests.ConnectionError(f"it redirects searches to {response.headers['Location']}: write the address of that server")
    began, parts, size = time.monotonic(), [], 0
    while part := response.raw.read1(2**16, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES or time.monotonic() - began > WHOLE_SECONDS:
            response.close()
            raise requests.ConnectionError(f"{response.url} has not sent all of its answer after {size} bytes")
    response._content = b"".join(parts)


def in_words(text: str) -> str:
    """The beginning of an answer as one line of printable text."""
    line = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    return "".join(letter for letter in line if letter.isprintable())[:SHOWN]


def _refusal(address: str, error: APIError) -> Exception:
    status = getattr(error, "status_code", None)
    if status is None:
        return CatalogueUnreachable(f"{address} cannot be reached ({in_words(str(error))})")
    if status in PASSING:
        return CatalogueUnreachable(f"{address} answers with status {status} ({in_words(str(error))})")
    login = ": it needs a login, which is not supported" if status in (401, 403) else ""
    return Refused(status, f"{address} answers with status {status}{login} ({in_words(str(error))})")


def _matched(page: dict[str, Any]) -> int | None:
    """`numberMatched`, or `context.matched` as older APIs call it."""
    context = page.get("context")
    count = page.get("numberMatched", context.get("matched") if isinstance(context, dict) else None)
    return count if isinstance(count, int) else None
