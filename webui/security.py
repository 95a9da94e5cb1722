"""What every request of :3131 passes before anything else sees it, and the headers that every answer carries.

Host     an unknown name is refused: a stranger's page could point its own name at this box (DNS rebinding)
Origin   a change is taken from our own pages only; scripts with a bearer token are not browsers and pass
Login    looked up once and left in the connection's state for the guards
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from appliance.api.login import SESSION, STILL_KNOWN
from appliance.settings.hosts import host_allowed

log = logging.getLogger("meshbox.web")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
WRONG_HOST = (
    "This box does not answer under the name {host!r}: the page of a stranger could pretend to be it. Open the box by "
    "its IP address. To open it under this name too, go to Settings there and add the name to “Further names of this "
    "box” in the part “Web page” (web.allowed_hosts)."
)
LONGEST_NAME = 100  # of a refused name that is shown
BODY_SILENCE_SECONDS = 75.0  # longer than those parts wait that have an answer to silence

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Refused</title></head>
<body><main><h1>Refused</h1><p>{detail}</p></main></body></html>
"""
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class Doorkeeper(Protocol):
    """What the guarded door asks of the box."""

    def further_hosts(self) -> tuple[str, ...]: ...
    async def knows(self, scope: Scope) -> bool: ...


class Guarded:
    """ASGI: an application behind the rules above."""

    def __init__(self, app: App, keeper: Doorkeeper) -> None:
        self._app = app
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded_send = _with_headers(send, _caching(scope))
        if scope["method"] == "HEAD":
            scope, receive, guarded_send = _as_get(scope, guarded_send)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        refusal = refuse(scope["method"], headers, self._keeper.further_hosts())
        if refusal is not None:
            await _refuse(guarded_send, *refusal, as_page="text/html" in headers.get("accept", ""))
            return
        known = partial(self._keeper.knows, scope)
        scope["state"] = {SESSION: await known(), STILL_KNOWN: known}
        try:
            await self._app(scope, _impatient(receive), guarded_send)
        except Exception:
            log.exception("the answer to %s broke off", scope["path"])
            raise


def refuse(method: str, headers: dict[str, str], further_hosts: tuple[str, ...]) -> tuple[int, str, str] | None:
    """Status, code and words when a request must not pass; None when it may."""
    host = headers.get("host", "")
    if not host_allowed(host, further_hosts):
        return 421, "wrong_host", WRONG_HOST.format(host=host[:LONGEST_NAME])
    if method in SAFE_METHODS or headers.get("authorization", "").lower().startswith("bearer "):
        return None
    if not _same_origin(headers, host):
        return 403, "cross_site", "This request came from another site's page and was refused."
    return None


def _same_origin(headers: dict[str, str], host: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin", headers.get("referer"))  # old browsers send only the latter with a form
    try:
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # no browser sends such an address
        return False


def _caching(scope: Scope) -> bytes:
    """Files asked for with their version never change; modules name each other without one and are looked at again."""
    if not scope["path"].startswith("/static/"):
        return b"no-store"
    return b"public, max-age=31536000" if scope["query_string"].startswith(b"v=") else b"no-cache"


def _with_headers(send: Send, caching: bytes) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {key.lower() for key, _ in message.get("headers", ())}
            added = [h for h in HEADERS if h[0] not in present]
            if b"cache-control" not in present:
                added.append((b"cache-control", caching))
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return guarded


def _impatient(receive: Receive) -> Receive:
    """Whoever stops in the middle of what he sends is taken to be gone: his request is not kept for ever."""
    whole = False

    async def next_message() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(BODY_SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return next_message


def _as_get(scope: Scope, send: Send) -> tuple[Scope, Receive, Send]:
    """HEAD is answered like GET, without the body; the application takes whoever asks to be gone after the headers."""
    answered, asked = asyncio.Event(), False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})
            answered.set()

    return {**scope, "method": "GET"}, receive, headers_only


async def _refuse(send: Send, status: int, code: str, detail: str, *, as_page: bool) -> None:
    """Browsers get a page, programs a problem document."""
    if as_page:
        kind, body = b"text/html; charset=utf-8", PAGE.format(detail=html.escape(detail)).encode()
    else:
        kind = b"application/problem+json"
        body = msgspec.json.encode({"title": "Refused", "status": status, "code": code, "detail": detail})
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
