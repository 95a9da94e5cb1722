"""A small pooled HTTP/1.1 client for the data path: one request, one answer, bytes as they come.

Strict on purpose. It talks to engines of this box only, so whatever is not a clean answer with a known end is a
fault: the connection is dropped and never used again. A connection goes back to the pool only after a clean end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import httptools

from appliance.proxy.asgi import Header
from appliance.routing.table import Endpoint

CONNECT_SECONDS = 10.0  # a burst that fills the queue of new connections is let in after 1, 3 or 7 s
IDLE_SECONDS = 2.0  # engines close idle connections after 5 s, and each one holds a thread of theirs
IDLE_CONNECTIONS = 64  # kept for each engine
HIGH_WATER = 256 * 1024  # unread bytes of one answer above which nothing more is read from the engine
HEAD_LIMIT = 64 * 1024


class UpstreamError(Exception):
    """The engine could not be reached, or its answer broke off; the text says how."""


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

    async def head(self) -> None:
        while not self._has_head and self._error is None:
            self._waiter = self._loop.create_future()
            await self._waiter
        if not self._has_head and self._error is not None:
            raise self._error

    async def read(self) -> bytes:
        """All bytes that are there, waiting for the first; nothing at the clean end. Raises UpstreamError."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._complete:
                return b""
            self._waiter = self._loop.create_future()  # not a call of its own: this runs for every chunk
            await self._waiter
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._unread = 0
        self._connection.resume()
        return data

    def divert(self, sink: Callable[[bytes], None]) -> None:
        """From now on bytes go straight to `sink` as they come, and first those that wait."""
        while self._pieces:
            sink(self._pieces.popleft())
        self._unread = 0
        self._sink = sink

    async def ended(self) -> None:
        """Waits for the clean end of an answer that was diverted. Raises UpstreamError."""
        while not self._complete:
            if self._error is not None:
                raise self._error
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
        if self._sink is not None:
            self._sink(data)
            return False
        self._pieces.append(data)
        self._unread += len(data)
        self._wake()
        return self._unread > HIGH_WATER

    def completed(self) -> None:
        self._complete = True
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        if not self._complete and self._error is None:
            self._error = error
            self._wake()


class Connection(asyncio.Protocol):
    """One connection to an engine; carries one exchange at a time."""

    def __init__(self, pool: Pool, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._status = 0
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._ended = False  # the current message is complete
        self._paused = False
        self._keep_alive = False

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def start(self, parts: Sequence[bytes | bytearray]) -> Exchange:
        exchange = self._exchange = Exchange(self)
        self._ended = self._keep_alive = False
        self._status = self._head_bytes = 0
        if self._transport is None or self._transport.is_closing():
            exchange.fail(UpstreamError("the connection was closed"))
        else:
            self._transport.writelines(parts)
        return exchange

    def release(self, exchange: Exchange, *, reusable: bool) -> None:
        if self._exchange is not exchange:  # it gave the connection back before
            return
        self._exchange = None
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
        if self._exchange is None or self._ended:
            self._break("it sent more than its answer")
            return
        in_head = not self._status
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(f"its answer is not clean HTTP: {error.__context__ or error}")
            return
        self._head_bytes += len(data) if in_head else 0
        if not self._status and self._head_bytes > HEAD_LIMIT:
            self._break("the head of its answer has no end")

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        self._transport = self._parser = None  # they hold each other: each burst would wait for the garbage collector
        if self._exchange is not None:
            how = f": {exc}" if exc else ""
            self._exchange.fail(UpstreamError(f"the connection was closed{how}"))

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

    def on_message_complete(self) -> None:
        if self._status and self._exchange is not None:
            self._ended = True
            self._keep_alive = self._parser.should_keep_alive()
            self._exchange.completed()


class Pool:
    """Connections to engines, kept for a moment after a clean end."""

    def __init__(self, connect_seconds: float = CONNECT_SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: dict[Endpoint, dict[Connection, asyncio.TimerHandle]] = {}

    async def send(
        self, endpoint: Endpoint, path: str, headers: Iterable[Header], body: bytes | bytearray, *, fresh: bool
    ) -> Exchange:
        """Posts a request and returns at once; `Exchange.head` waits for the answer's beginning.

        `fresh` asks for a new connection: an idle one may have been closed by the engine just now.
        """
        connection = (None if fresh else self._reuse(endpoint)) or await self._connect(endpoint)
        return connection.start([_request_head(endpoint, path, headers, len(body)), body])

    def close(self) -> None:
        for waiting in list(self._idle.values()):
            for connection in list(waiting):
                connection.drop()

    @property
    def idle(self) -> int:
        return sum(len(waiting) for waiting in self._idle.values())

    def _reuse(self, endpoint: Endpoint) -> Connection | None:
        waiting = self._idle.get(endpoint, {})
        while waiting:
            connection, timer = waiting.popitem()
            timer.cancel()
            if connection.usable:
                return connection
        return None

    async def _connect(self, endpoint: Endpoint) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, endpoint), endpoint.host, endpoint.port
                )
        except TimeoutError as error:
            raise UpstreamError(f"no connection within {self._connect_seconds:g} s") from error
        except OSError as error:
            raise UpstreamError(f"no connection: {error.strerror or error}") from error
        return connection

    # What connections report:

    def take_back(self, connection: Connection) -> None:
        waiting = self._idle.setdefault(connection.endpoint, {})
        if len(waiting) >= IDLE_CONNECTIONS:
            connection.drop()
            return
        waiting[connection] = asyncio.get_running_loop().call_later(self._idle_seconds, connection.drop)

    def forget(self, connection: Connection) -> None:
        waiting = self._idle.get(connection.endpoint, {})
        timer = waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()
        if not waiting:
            self._idle.pop(connection.endpoint, None)


def _has_known_end(headers: list[Header]) -> bool:
    return any(
        name == b"content-length" or (name == b"transfer-encoding" and value.lower() == b"chunked")
        for name, value in headers
    )


def _request_head(endpoint: Endpoint, path: str, headers: Iterable[Header], length: int) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1\r\nHost: {endpoint.host}:{endpoint.port}\r\n".encode("ascii"),
        f"Authorization: Bearer {endpoint.key}\r\nContent-Length: {length}\r\n".encode("latin-1"),
        *(b"%s: %s\r\n" % header for header in headers),
        b"\r\n",
    ]
    return b"".join(lines)
