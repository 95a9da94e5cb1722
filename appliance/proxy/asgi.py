"""The few ASGI helpers of the API: types, headers, and a whole answer in one call."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

Scope = Mapping[str, Any]
Message = Any  # a dict, which every framework describes by a type of its own
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

_NEW_IDS = random.Random()  # noqa: S311 - they are names, and no secrets
_SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
_HEADER_SAFE = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def text_header(scope: Scope, name: bytes) -> str:
    return (header(scope, name) or b"").decode("latin-1")


def client_address(scope: Scope) -> str:
    """Of whoever holds the other end of the connection."""
    client = scope.get("client")
    return str(client[0]) if client else ""


@lru_cache(maxsize=1024)
def header_value(text: str) -> bytes:
    """Text as a header may carry it: anything beyond printable ASCII is percent-encoded."""
    return quote(text, safe=_HEADER_SAFE).encode("ascii")


def request_id(scope: Scope) -> bytes:
    """The client's own id when it is short and printable, else a new one."""
    return given_id(scope) or new_id()


def given_id(scope: Scope) -> bytes | None:
    given = header(scope, b"x-request-id")
    return given if given is not None and _SANE_ID.fullmatch(given) else None


def new_id() -> bytes:
    return b"req-%024x" % _NEW_IDS.getrandbits(96)


def json_bytes(content: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(content)


def with_headers(send: Send, extra: Iterable[Header]) -> Send:
    """Adds them to whatever answer is sent."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return send_with_headers


async def respond(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[Header] = (),
    *,
    content_type: bytes = b"application/json",
    only_head: bool = False,
) -> None:
    """Sends a whole answer."""
    fields = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if only_head else body, "more_body": False})
