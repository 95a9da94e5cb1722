"""A small HTTP/1.1 client for the data path: one request, one answer, bytes as they come.

Strict on purpose. It talks to engines and to other boxes, and whatever is not a clean answer with a known end is a
fault: the connection is dropped and never used again. A connection goes back to its pool only after a clean end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import httptools

from appliance.proxy.asgi import Header
from appliance.proxy.shortcut import Shortcut
from appliance.routing.table import Endpoint

HIGH_WATER = 256 * 1024  # unread bytes of one answer above which nothing more is read from the engine
HEAD_LIMIT = 64 * 1024


class UpstreamError(Exception):
    """The engine could not be reached, or its answer broke off; the text says how."""


def _no_shortcut() -> Shortcut | None:
    return None


def _again(error: UpstreamError) -> UpstreamError:
    """The one that is raised comes to hold all who wait for it, and they hold the one that is kept."""
    return UpstreamError(*error.args)


class Exchange:
    """One answer being received. `status` and `headers` are there once `head` has returned."""

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.streams = False  # the answer is a stream of events
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._complete = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._has_head = False
        self._sink: Callable[[bytes], None] | None = None
        self._shortcut: Callable[[], Shortcut | None] = _no_shortcut

    async def head(self) -> None:
        while not self._has_head and self._error is None:
            self._waiter = self._loop.create_future()
            await self._waiter
        if not self._has_head and self._error is not None:
            raise _again(self._error)

    async def read(self) -> bytes:
        """All bytes that are there, waiting for the first; nothing at the clean end. Raises UpstreamError."""
        while not self._pieces:
            if self._error is not None:
                raise _again(self._error)
            if self._complete:
                return b""
            self._waiter = self._loop.create_future()  # not a call of its own: this runs for every chunk
            await self._waiter
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._unread = 0
        self._connection.resume()
        return data

    def divert(self, sink: Callable[[bytes], None], shortcut: Callable[[], Shortcut | None] = _no_shortcut) -> None:
        """From now on bytes go straight to `sink` as they come, and first those that wait. `shortcut` is asked after
        each piece that took this way; while it gives one, chunks that are fit for it go there."""
        self._sink, self._shortcut = sink, shortcut
        self.pass_on()
        self._unread = 0

    async def ended(self) -> None:
        """Waits for the clean end of an answer that was diverted. Raises UpstreamError."""
        while not self._complete:
            if self._error is not None:
                raise _again(self._error)
            self._waiter = self._loop.create_future()
            await self._waiter

    def hold(self) -> None:
        """Nothing more is read from the engine until `go_on`."""
        self._connection.pause()

    def go_on(self) -> None:
        self._connection.resume()

    def close(self) -> None:
        """Ends the exchange: at once by breaking the connection, unless it came to its clean end."""
        self._connection.release(self, reusable=self._complete and self._error is None)

    def abort(self, reason: str) -> None:
        """Breaks the connection now; whoever reads gets an UpstreamError."""
        self.fail(UpstreamError(reason))
        self._connection.release(self, reusable=False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the connection reports:

    def head_arrived(self, status: int, headers: list[Header]) -> None:
        self.status, self.headers, self._has_head = status, headers, True
        self.streams = any(k == b"content-type" and v.startswith(b"text/event-stream") for k, v in headers)
        self._wake()

    def body_arrived(self, data: bytes) -> bool:
        """Takes bytes; True when so many are unread that the sender should pause."""
        self._pieces.append(data)
        if self._sink is not None:
            return False
        self._unread += len(data)
        self._wake()
        return self._unread > HIGH_WATER

    def pass_on(self) -> None:
        """All that came at once goes on at once, when the answer is diverted."""
        if self._sink is not None and self._pieces:
            data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
            self._sink(data)

    def shortcut(self) -> Shortcut | None:
        return self._shortcut()

    def completed(self) -> None:
        self._complete = True
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        if not self._complete and self._error is None:
            self._error = error
            self._wake()


class Errand(Protocol):
    """Takes an answer as the very bytes that come, in place of an exchange."""

    def heard(self, data: bytes) -> None: ...
    def lost(self, reason: str) -> None: ...


class Owner(Protocol):
    """Whose connection it is while nobody uses it."""

    def take_back(self, connection: Connection) -> None: ...
    def forget(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One connection to an engine; carries one exchange at a time, or one errand."""

    def __init__(self, pool: Owner, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._errand: Errand | None = None
        self._status = 0
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._ended = False  # the current message is complete
        self._paused = False
        self._keep_alive = False
        self._between_chunks = False
        self._short: Shortcut | None = None  # what comes next may take it

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def carry(self, errand: Errand, request: bytes) -> None:
        """To be called only of a connection that is usable."""
        if self._transport is not None:
            self._errand = errand
            self._transport.write(request)

    def carried(self) -> None:
        """The errand has its whole answer, and the engine keeps the connection."""
        self._errand = None
        self._pool.take_back(self)

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._errand = None
        self.drop()

    def taken_over(self, received: bytes) -> Exchange:
        """An exchange in place of the errand, with what was received so far."""
        self._errand = None
        exchange = self._expect()
        self.data_received(received)
        return exchange

    def _expect(self) -> Exchange:
        exchange = self._exchange = Exchange(self)
        self._ended = self._keep_alive = self._between_chunks = False
        self._status = self._head_bytes = 0
        return exchange

    def start(self, parts: Sequence[bytes | bytearray]) -> Exchange:
        exchange = self._expect()
        if self._transport is None or self._transport.is_closing():
            exchange.fail(UpstreamError("the connection was closed"))
        else:
            self._transport.writelines(parts)
        return exchange

    def release(self, exchange: Exchange, *, reusable: bool) -> None:
        if self._exchange is not exchange:  # it gave the connection back before
            return
        self._exchange = self._short = None
        if reusable and self._keep_alive and self.usable:
            self.resume()
            self._pool.take_back(self)
        else:
            self.drop()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    # asyncio.Protocol:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are of no asyncio class

    def data_received(self, data: bytes) -> None:
        if self._short is None or not self._short.take(data):
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self._errand is not None:
            self._errand.heard(data)
            return
        if self._exchange is None or self._ended:
            self._break("it sent more than its answer")
            return
        in_head = not self._status
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._exchange.pass_on()
            self._break(f"its answer is not clean HTTP: {error.__context__ or error}")
            return
        self._head_bytes += len(data) if in_head else 0
        if not self._status and self._head_bytes > HEAD_LIMIT:
            self._break("the head of its answer has no end")
        self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        self._short = None
        if (exchange := self._exchange) is None:
            return
        exchange.pass_on()
        if self._between_chunks and data.endswith(b"\r\n") and not self._ended and self._exchange is exchange:
            self._short = exchange.shortcut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        self._transport = self._parser = None  # they hold each other: each burst would wait for the garbage collector
        reason = f"the connection was closed: {exc}" if exc else "the connection was closed"
        if self._exchange is not None:
            self._exchange.fail(UpstreamError(reason))
        if self._errand is not None:
            errand, self._errand = self._errand, None
            errand.lost(reason)

    def _break(self, reason: str) -> None:
        if self._exchange is not None:
            self._exchange.fail(UpstreamError(reason))
        self._keep_alive = False
        self.drop()

    # httptools:

    def on_message_begin(self) -> None:
        if self._ended:
            raise ValueError("two answers to one request")
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer; the real one follows
            return
        self._status = status
        if not _has_known_end(self._headers):
            raise ValueError("it does not say where its answer ends")
        if self._exchange is not None:
            self._exchange.head_arrived(status, self._headers)

    def on_body(self, data: bytes) -> None:
        if self._exchange is not None and self._exchange.body_arrived(data):
            self.pause()

    def on_chunk_header(self) -> None:
        self._between_chunks = False

    def on_chunk_complete(self) -> None:
        self._between_chunks = True

    def on_message_complete(self) -> None:
        if self._status and self._exchange is not None:
            self._ended = True
            self._keep_alive = self._parser.should_keep_alive()
            self._exchange.completed()


def _has_known_end(headers: list[Header]) -> bool:
    return any(
        name == b"content-length" or (name == b"transfer-encoding" and value.lower() == b"chunked")
        for name, value in headers
    )
