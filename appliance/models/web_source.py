"""A file of the hub or of the web as a source: asks for ranges, and finds out what a server makes of them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from appliance.models.requests import Remote, opened, unreachable
from appliance.models.sources import Offer, Unfit

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class WebReading:
    remote: Remote
    response: aiohttp.ClientResponse
    begin: int
    total: int | None
    mark: str | None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in self.response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self.remote, error) from error


@dataclass(frozen=True, slots=True)
class WebSource:
    session: aiohttp.ClientSession
    remote: Remote

    @property
    def offer(self) -> Offer:
        return Offer(self.remote.host, self.remote.size, self.remote.sha256)

    @asynccontextmanager
    async def read(self, begin: int, mark: str | None) -> AsyncIterator[WebReading]:
        async with opened(self.session, self.remote, _headers(begin, mark)) as response:
            if response.status == 416:
                raise Unfit("changed", "The file is not as long as it was.", temporary=True)
            yield self._part(response, begin, mark) if response.status == 206 else self._whole(response)

    def _whole(self, response: aiohttp.ClientResponse) -> WebReading:
        return WebReading(self.remote, response, 0, response.content_length, _mark(response))

    def _part(self, response: aiohttp.ClientResponse, begin: int, mark: str | None) -> WebReading:
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        # some servers send a part of the new file although only the old one was asked for
        changed = None not in (mark, _mark(response)) and mark != _mark(response)
        if match is None or int(match[1]) != begin or changed:
            raise Unfit("bad_answer", f"{self.remote.host} sent another part than was asked for.", temporary=True)
        total = None if match[2] == "*" else int(match[2])
        return WebReading(self.remote, response, begin, total, mark)


def _headers(begin: int, mark: str | None) -> dict[str, str]:
    if begin == 0:
        return {}
    return {"Range": f"bytes={begin}-"} | ({} if mark is None else {"If-Range": mark})


def _mark(response: aiohttp.ClientResponse) -> str | None:
    """By what the server can tell that a file is still the same; weak marks do not count."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")
