"""The head of an answer, and how its body is framed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from appliance.proxy.asgi import Header
from appliance.proxy.wire.head import Head

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
CLOSING = b"connection: close\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_OURS = (b"connection", b"transfer-encoding", b"date")  # whatever the application says of them


@dataclass(slots=True)
class Framing:
    """`left` counts down an announced length, None when none was announced."""

    chunked: bool = False
    left: int | None = None
    bodiless: bool = False  # whatever the application gives as a body is not sent
    keep_alive: bool = True


class Clock:
    """The Date field, made once a second."""

    def __init__(self) -> None:
        self._second, self._field = 0, b""

    def field(self) -> bytes:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._field = b"date: " + formatdate(now, usegmt=True).encode("ascii") + b"\r\n"
        return self._field


DATE = Clock()


def answer_head(
    status: int, headers: Iterable[Header], asked: Head | None, *, keep_alive: bool = False
) -> tuple[bytes, Framing]:
    """`asked` is None when the request was not understood."""
    framing = Framing(keep_alive=keep_alive)
    framing.bodiless = status in (204, 304) or (asked is not None and asked.method == "HEAD")
    parts = [status_line(status), DATE.field()]
    for name, value in headers:
        if name in _OURS:
            continue
        if name == b"content-length":
            framing.left = int(value)
        parts.append(line_of(name, value))
    if framing.left is None and not framing.bodiless:
        if asked is not None and asked.version == "1.1":
            framing.chunked = True
            parts.append(b"transfer-encoding: chunked\r\n")
        else:
            framing.keep_alive = False  # the end of the connection is the end of the body
    if not framing.keep_alive:
        parts.append(CLOSING)
    parts.append(b"\r\n")
    return b"".join(parts), framing


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


def line_of(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, _one_line(value))


def _one_line(value: bytes) -> bytes:
    """A value can never begin a line of its own."""
    return value if b"\n" not in value and b"\r" not in value else value.replace(b"\r", b" ").replace(b"\n", b" ")


def framed(framing: Framing, data: bytes) -> bytes:
    """A piece of the body as it goes out. Raises ValueError when it is more than was announced."""
    if framing.chunked:
        return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
    if framing.bodiless:
        return b""
    if framing.left is not None:
        if len(data) > framing.left:
            raise ValueError("an answer longer than its announced length")
        framing.left -= len(data)
    return data
