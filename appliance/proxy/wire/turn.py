"""One request and its answer, as an ASGI application sees them; and the short way for a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from appliance.proxy.asgi import Message, Scope
from appliance.proxy.shortcut import Shortcut
from appliance.proxy.splice import WIRE, Passing
from appliance.proxy.upstream import Exchange
from appliance.proxy.wire.answer import CONTINUE, LAST_CHUNK, Framing, answer_head, framed
from appliance.proxy.wire.body import Body, ChunkedBody
from appliance.proxy.wire.head import Head

BACKLOG = 256 * 1024  # bytes of a body that the application has not taken yet, above which no more is read
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class Line(Protocol):
    """The connection that a turn belongs to."""

    client: tuple[str, int]
    server: tuple[str, int]
    writable: bool

    def write(self, data: bytes) -> None: ...
    def writer(self) -> Callable[[bytes], None] | None: ...
    async def drained(self) -> None: ...
    def hold_reading(self) -> None: ...
    def read_on(self) -> None: ...
    def turn_ended(self, *, keep_alive: bool) -> None: ...


class Turn:
    __slots__ = (
        "_backlog",
        "_exchange",
        "_expected",
        "_framing",
        "_line",
        "_loop",
        "_passing",
        "_pieces",
        "_told",
        "_waiter",
        "_when_gone",
        "_words",
        "begun_at",
        "body",
        "ended",
        "gone",
        "head",
        "keep_alive",
        "lost",
        "received",
    )

    def __init__(self, line: Line, head: Head, body: Body | ChunkedBody, loop: asyncio.AbstractEventLoop) -> None:
        self.head, self.body = head, body
        self.keep_alive = head.keep_alive
        self.begun_at, self.received = loop.time(), 0
        self.gone = False  # the client reads no more, or sends no more
        self.lost = False  # there is no connection any more
        self.ended = False
        self._line, self._loop = line, loop
        self._pieces: list[bytes] = []
        self._backlog = 0
        self._expected = head.expects and not body.complete  # the client waits for a word
        self._told = False  # the application has the whole body
        self._waiter: asyncio.Future[None] | None = None
        self._when_gone: Callable[[], None] | None = None
        self._framing: Framing | None = None
        self._words = b""  # the answer's head, until it goes out together with the first of the body
        self._exchange: Exchange | None = None
        self._passing: Passing | None = None

    @property
    def begun(self) -> bool:
        return self._framing is not None

    def scope(self) -> Scope:
        head = self.head
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": head.version,
            "method": head.method,
            "scheme": "http",
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "root_path": "",
            "headers": head.headers,
            "client": self._line.client,
            "server": self._line.server,
            "extensions": {WIRE: self},
        }

    # What the connection reports:

    def body_arrived(self, data: bytes) -> None:
        """Raises ApiError when it is not sound."""
        piece = self.body.feed(data)
        if piece:
            self._pieces.append(piece)
            self._backlog += len(piece)
            self.received += len(piece)
            if self._backlog > BACKLOG:
                self._line.hold_reading()
        if piece or self.body.complete:
            self._wake()

    def client_left(self) -> None:
        if not self.gone:
            self.gone = True
            self._wake()
            if self._when_gone is not None:
                self._when_gone()

    def connection_lost(self) -> None:
        self.lost = True
        self.client_left()

    def over(self) -> None:
        """The application is done with it: nothing keeps anything alive through it."""
        self._when_gone = None

    def cut_short(self) -> bool:
        """The request turned out unsound after it began; True when the client can still be told."""
        tellable, self.ended = not (self.begun or self.ended or self.lost), True
        self.client_left()
        return tellable

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ASGI:

    async def receive(self) -> Message:
        if self._expected and not self.received and not self.begun:
            self._expected = False
            self._line.write(CONTINUE)
        while not self._pieces and not (self.body.complete and not self._told):
            if self.gone or self.ended:
                return {"type": "http.disconnect"}
            self._waiter = self._loop.create_future()
            await self._waiter
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._backlog = 0
        self._told = self.body.complete
        if not self._told:
            self._line.read_on()
        return {"type": "http.request", "body": data, "more_body": not self._told}

    async def send(self, message: Message) -> None:
        if self.lost or self.ended:  # nobody is there to read it; the application hears so from `receive`
            return
        if message["type"] == "http.response.start":
            self._begin(message)
        else:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, message: Message) -> None:
        self.keep_alive = self.keep_alive and self.body.complete and not self.gone
        self._words, self._framing = answer_head(
            message["status"], message["headers"], self.head, keep_alive=self.keep_alive
        )
        self._loop.call_soon(self._say)

    def _say(self) -> None:
        if self._words and not self.lost:
            words, self._words = self._words, b""
            self._line.write(words)

    async def _body(self, data: bytes, *, more: bool) -> None:
        if self._framing is None:
            raise RuntimeError("a body before its head")
        out = framed(self._framing, data)
        if not more and self._framing.chunked:
            out += LAST_CHUNK
        if words := self._words:
            self._words, out = b"", words + out
        if out:
            self._line.write(out)
        if not more:
            self.ended = True
            self._line.turn_ended(keep_alive=self._framing.keep_alive and not self._framing.left)
        elif not self._line.writable:
            await self._line.drained()

    # Wire:

    def when_gone(self, told: Callable[[], None]) -> None:
        self._when_gone = told
        if self.gone:
            told()

    async def splice(self, exchange: Exchange, passing: Passing) -> None:
        self._say()
        self._exchange, self._passing = exchange, passing
        passing.waiting(True)  # noqa: FBT003 - the one thing it is told
        try:
            exchange.divert(self._pass_on, self._shortcut)
            if self._line.writable:
                exchange.go_on()  # it was held when much had come before anybody could take it
            else:
                self.hold()
            await exchange.ended()
        finally:
            self._exchange = self._passing = None
            passing.waiting(False)  # noqa: FBT003

    def _pass_on(self, piece: bytes) -> None:
        passing, framing = self._passing, self._framing
        if passing is not None and (whole := passing.take(piece)) and framing is not None and not self.lost:
            self._line.write(framed(framing, whole))

    def _shortcut(self) -> Shortcut | None:
        passing, framing, write = self._passing, self._framing, self._line.writer()
        if passing is None or write is None or framing is None or not framing.chunked:
            return None
        return passing.shortcut(write)

    def hold(self) -> None:
        """The client does not read: neither do we."""
        if self._exchange is not None and self._passing is not None:
            self._exchange.hold()
            self._passing.waiting(False)  # noqa: FBT003

    def go_on(self) -> None:
        if self._exchange is not None and self._passing is not None:
            self._passing.waiting(True)  # noqa: FBT003
            self._exchange.go_on()
