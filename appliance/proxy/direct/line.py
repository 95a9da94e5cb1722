"""What the short way needs of a client's connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from appliance.proxy.asgi import Receive, Scope, Send
from appliance.proxy.direct.opening import Opening
from appliance.proxy.wire.head import Head

LONGEST_BODY = 1 << 18  # bytes; looking through a longer one at once would hold up the others

LongWay = Callable[[Scope, Receive, Send], Awaitable[None]]


class Line(Protocol):
    address: str

    @property
    def closing(self) -> bool:
        """Whether the connection ends after this answer."""

    def answered(self, answer: bytes) -> None:
        """The whole answer; the next request may begin."""

    def abort(self) -> None:
        """There will be no answer."""

    def go_on(self, opening: Opening, length: int, way: LongWay) -> None:
        """The request is to be answered on the long way; its body has been taken."""


class OnItsWay(Protocol):
    """A request that waits for its answer."""

    def client_left(self) -> None: ...


class Direct(Protocol):
    """What an application may offer its web server beside ASGI."""

    def opening(self, head: Head, text: bytes) -> Opening | None:
        """None when requests that begin like that never take the short way. `text` is the head as it came."""

    def send(self, line: Line, opening: Opening, body: bytes) -> OnItsWay | None:
        """Takes care of the request, or returns None and has done nothing."""
