"""Connections to engines and to other boxes, kept for the next request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache

from appliance.proxy.asgi import Header
from appliance.proxy.upstream import Connection, Exchange, UpstreamError
from appliance.routing.table import Endpoint

CONNECT_SECONDS = 10.0  # a burst that fills the queue of new connections is let in after 1, 3 or 7 s
IDLE_SECONDS = 2.0  # engines close idle connections after 5 s, and each one holds a thread of theirs
IDLE_CONNECTIONS = 64  # kept for each engine
BOX_IDLE_SECONDS = 60.0  # less than the other box waits; a new connection costs round trips and signatures
BOX_IDLE_CONNECTIONS = 16

Dial = Callable[[str, asyncio.Protocol], Awaitable[None]]  # gives the protocol a connection to another box, by its id


async def _no_boxes(node: str, _protocol: asyncio.Protocol) -> None:
    raise ConnectionError(f"this box knows no way to the box {node}")


class Pool:
    """Connections to engines, kept for a moment after a clean end; and to other boxes, kept longer."""

    def __init__(
        self, connect_seconds: float = CONNECT_SECONDS, idle_seconds: float = IDLE_SECONDS, dial: Dial = _no_boxes
    ) -> None:
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._dial = dial
        self._idle: dict[Endpoint, dict[Connection, float]] = {}  # since when
        self._sweep: asyncio.TimerHandle | None = None

    async def send(
        self, endpoint: Endpoint, path: str, headers: Iterable[Header], body: bytes | bytearray, *, fresh: bool
    ) -> Exchange:
        """Posts a request and returns at once; `Exchange.head` waits for the answer's beginning.

        `fresh` asks for a new connection: an idle one may have been closed by the engine just now.
        """
        connection = (None if fresh else self.idle_one(endpoint)) or await self._connect(endpoint)
        return connection.start([request_head(endpoint, path, headers, len(body)), body])

    def close(self) -> None:
        for waiting in list(self._idle.values()):
            for connection in list(waiting):
                connection.drop()

    @property
    def idle(self) -> int:
        return sum(len(waiting) for waiting in self._idle.values())

    def idle_one(self, endpoint: Endpoint) -> Connection | None:
        """One that waits for its next request, as far as is known; it is no longer the pool's."""
        waiting = self._idle.get(endpoint)
        while waiting:
            connection, _ = waiting.popitem()
            if connection.usable:
                return connection
        return None

    async def _connect(self, endpoint: Endpoint) -> Connection:
        connection = Connection(self, endpoint)
        try:
            async with asyncio.timeout(self._connect_seconds):
                if endpoint.node:
                    await self._dial(endpoint.node, connection)
                else:
                    loop = asyncio.get_running_loop()
                    await loop.create_connection(lambda: connection, endpoint.host, endpoint.port)
        except TimeoutError as error:
            raise UpstreamError(f"no connection within {self._connect_seconds:g} s") from error
        except OSError as error:
            raise UpstreamError(f"no connection: {error.strerror or error}") from error
        return connection

    # What connections report:

    def take_back(self, connection: Connection) -> None:
        waiting = self._idle.setdefault(connection.endpoint, {})
        if len(waiting) >= (BOX_IDLE_CONNECTIONS if connection.endpoint.node else IDLE_CONNECTIONS):
            connection.drop()
            return
        loop = asyncio.get_running_loop()
        waiting[connection] = loop.time()
        if self._sweep is None:  # one for all: a timer for each would cost every request two calls
            self._sweep = loop.call_later(self._idle_seconds / 2, self._drop_idle, loop)

    def _drop_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Those that have waited too long; to the half of that time."""
        self._sweep, now = None, loop.time()
        waiting = [entry for shelf in self._idle.values() for entry in shelf.items()]
        for connection, since in waiting:
            if now - since >= (BOX_IDLE_SECONDS if connection.endpoint.node else self._idle_seconds):
                connection.drop()
        if waiting:
            self._sweep = loop.call_later(self._idle_seconds / 2, self._drop_idle, loop)

    def forget(self, connection: Connection) -> None:
        waiting = self._idle.get(connection.endpoint, {})
        waiting.pop(connection, None)
        if not waiting:
            self._idle.pop(connection.endpoint, None)


def request_head(endpoint: Endpoint, path: str, headers: Iterable[Header], length: int) -> bytes:
    lines = [
        first_lines(endpoint, path),
        b"Content-Length: %d\r\n" % length,
        *[b"%s: %s\r\n" % header for header in headers],
        b"\r\n",
    ]
    return b"".join(lines)


@lru_cache(maxsize=256)
def first_lines(endpoint: Endpoint, path: str) -> bytes:
    """They stay the same from one request to the next."""
    if endpoint.node:
        return f"POST {path} HTTP/1.1\r\nHost: {endpoint.node}\r\n".encode("ascii")
    lines = f"POST {path} HTTP/1.1\r\nHost: {endpoint.host}:{endpoint.port}\r\n".encode("ascii")
    return lines + f"Authorization: Bearer {endpoint.key}\r\n".encode("latin-1")
