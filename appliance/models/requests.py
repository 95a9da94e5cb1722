"""Opens a remote file: redirects are followed by hand, so that every step is looked at and the token stays at home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from appliance import __version__
from appliance.models.addresses import AddressRefused, PublicOnly, check_url
from appliance.models.failed import TransferFailed
from appliance.models.hub import bad_token, gated, refusal, seconds_of

MOST_REDIRECTS = 8
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 30.0
BUFFER = 128 << 10  # at most twice as much is lost when a connection breaks


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to be fetched. Its hash, when known, is the last word on what it is."""

    url: str
    size: int | None = None
    sha256: str | None = None
    from_hub: bool = True
    guarded: bool = False  # fetched from the open internet only
    token: str | None = field(default=None, repr=False)  # for the host of `url` and no other

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


def make_session(*, guarded: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=PublicOnly() if guarded else None),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"meshbox/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        read_bufsize=BUFFER,
    )


@asynccontextmanager
async def opened(
    session: aiohttp.ClientSession, remote: Remote, headers: Mapping[str, str]
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer that holds the file, or a part of it (200, 206, 416). Raises TransferFailed."""
    response = await _followed(session, remote, headers)
    try:
        if response.status not in (200, 206, 416):
            raise _refused(response, remote)
        yield response
    finally:
        response.close()


async def _followed(
    session: aiohttp.ClientSession, remote: Remote, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    url = remote.url
    for _ in range(MOST_REDIRECTS):
        response = await _get(session, remote, url, headers)
        location = response.headers.get("Location")
        if response.status not in REDIRECTS or location is None:
            return response
        response.close()
        url = _next(url, location, remote)
    raise TransferFailed("bad_answer", f"{remote.host} sends from one address to the next without an end.")


def _next(url: str, location: str, remote: Remote) -> str:
    try:
        following = urljoin(url, location)
    except ValueError as error:
        raise TransferFailed("bad_answer", f"{remote.host} names an address that is none.") from error
    if url.startswith("https:") and not following.startswith("https:"):
        raise TransferFailed("bad_answer", f"{remote.host} sends from a safe address to one that is not (https).")
    return following


async def _get(
    session: aiohttp.ClientSession, remote: Remote, url: str, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    sent = dict(headers)
    if remote.token is not None and _origin(url) == _origin(remote.url):
        sent["Authorization"] = f"Bearer {remote.token}"
    try:
        if remote.guarded:
            check_url(url)
        return await session.get(_as_given(url), headers=sent, allow_redirects=False)
    except AddressRefused as error:
        raise TransferFailed("address_refused", str(error)) from error
    except ValueError as error:  # also aiohttp's word for an address that is none
        raise TransferFailed("bad_answer", f"{remote.host} names an address that is none.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise unreachable(remote, error) from error


def unreachable(remote: Remote, error: Exception) -> TransferFailed:
    why = str(error) or type(error).__name__
    code = "hub_unreachable" if remote.from_hub else "unreachable"
    return TransferFailed(code, f"{remote.host} could not be reached ({why}).", temporary=True)


def _refused(response: aiohttp.ClientResponse, remote: Remote) -> TransferFailed:
    status, name = response.status, remote.url.rpartition("/")[2].partition("?")[0]
    if status in (408, 429) or status >= 500:
        failed = refusal(status, seconds_of(response.headers.get("Retry-After")))
        return TransferFailed(failed.code, failed.detail, temporary=True, retry_after=failed.retry_after)
    if status in (404, 410):
        return TransferFailed("not_found", f"{remote.host} has no {name} any more, or never had.")
    if not remote.from_hub:
        return TransferFailed("refused", f"{remote.host} does not give {name} to this box (status {status}).")
    if status == 401 and remote.token is not None:
        failed = bad_token()
    elif status in (401, 403):
        failed = gated(name, with_token=remote.token is not None)
    else:
        return TransferFailed("bad_answer", f"{remote.host} answered with status {status}.")
    return TransferFailed(failed.code, failed.detail)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.casefold(), parts.netloc.casefold()


def _as_given(url: str) -> URL:
    """Signed addresses must be sent as they are; others are put right."""
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise ValueError(scheme)
    return URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)
