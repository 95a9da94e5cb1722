"""An engine that misbehaves to order, for faults that a real one cannot be made to show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from appliance.routing.table import Endpoint

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FakeUpstream:
    """Plays one script for each request, the last one for all that follow. `requests` keeps what was asked."""

    endpoint: Endpoint
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)  # a client broke its connection


@asynccontextmanager
async def fake_upstream(*scripts: Script) -> AsyncIterator[FakeUpstream]:
    waiting = list(scripts)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fake.connections += 1
        try:
            while not writer.is_closing():
                fake.requests.append(await read_request(reader))
                await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            fake.lost.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fake = FakeUpstream(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1], "fake-key"))
    try:
        yield fake
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return head + await reader.readexactly(next(lengths, 0))


def sends(*pieces: bytes, then_close: bool = False) -> Script:
    """A script that sends bytes as they are."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then_close:
            writer.close()

    return script


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never answers; ends when the client breaks the connection."""
    await reader.readexactly(1)


def answer(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """A whole, clean answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
