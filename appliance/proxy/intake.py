"""Reads a request: its method, and its body whole, within its limit, and never waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from appliance.proxy.asgi import Receive, Scope, header, text_header
from appliance.proxy.errors import ApiError, method_not_allowed, too_large, too_slow

PAUSE_SECONDS = 30.0  # between two pieces of a body
DISCARD_SECONDS = 5.0
MIB = 1 << 20


class ClientGone(Exception):
    """Nobody is there any more to answer to."""


def check_method(scope: Scope, *allowed: str) -> str:
    method: str = scope["method"]
    if method not in allowed:
        raise method_not_allowed(method, ", ".join(allowed))
    return method


async def read_body(scope: Scope, receive: Receive, limit_mib: int, pause: float = PAUSE_SECONDS) -> bytes:
    """Raises ApiError (400, 408, 413, 415), or ClientGone."""
    limit = limit_mib * MIB
    coding = text_header(scope, b"content-encoding").lower()
    if coding not in ("", "identity"):
        raise ApiError(415, "unsupported_encoding", f"Bodies with Content-Encoding {coding[:40]!r} are not taken.")
    pieces: list[bytes] = []
    size, more = 0, True
    oversized = (announced(scope) or 0) > limit
    while more and not oversized:
        piece, more = await _next_piece(receive, pause)
        pieces.append(piece)
        size += len(piece)
        oversized = size > limit
    if oversized:
        if pieces or header(scope, b"expect") is None:  # else nothing is sent before we ask for it
            pieces.clear()
            await discard(receive, limit, DISCARD_SECONDS)
        raise too_large(limit_mib)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def pieces_of(receive: Receive, pause: float = PAUSE_SECONDS) -> AsyncIterator[bytes]:
    """The body as it comes, for what is not kept in memory. Raises ApiError (408), or ClientGone."""
    more = True
    while more:
        piece, more = await _next_piece(receive, pause)
        yield piece


def announced(scope: Scope) -> int | None:
    """How long the body is to be, when the client has said so."""
    length = text_header(scope, b"content-length")
    return int(length) if length.isascii() and length.isdigit() else None


async def discard(receive: Receive, limit: int, seconds: float) -> None:
    """Takes what a client is still sending: most read the answer only when they have sent everything."""
    left = limit
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more and left > 0:
                piece, more = await _next_piece(receive, seconds)
                left -= len(piece)
    except (TimeoutError, ApiError, ClientGone):
        return


async def _next_piece(receive: Receive, pause: float) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(pause):
            message = await receive()
    except TimeoutError as error:
        raise too_slow(pause) from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)
