"""A small application on the API's own web server, and bare connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from appliance.proxy.asgi import Message, Receive, Scope, Send, respond
from appliance.proxy.wire.desk import Application, Limits
from appliance.proxy.wire.listener import WireListener
from tests.live.box import free_ports

SECONDS = 8.0


@dataclass
class Echo:
    """Answers with the body that it got; keeps what it was asked."""

    scopes: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.scopes.append(scope)
        body, message = b"", await receive()
        while message["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
            message = await receive()
        self.ends.append(message["type"])
        self.bodies.append(body)
        await respond(send, 200, body, content_type=b"text/plain")


class Drip:
    """An answer that goes on until it is told to end."""

    def __init__(self, piece: bytes = b"data: x\n\n") -> None:
        self.piece, self.end, self.gone = piece, asyncio.Event(), asyncio.Event()
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        scope["extensions"]["meshbox.wire"].when_gone(self.gone.set)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not self.end.is_set() and not self.gone.is_set():
            await send({"type": "http.response.body", "body": self.piece, "more_body": True})
            self.sent += len(self.piece)
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"last", "more_body": False})


@contextlib.asynccontextmanager
async def listening(app: Application, address: str = "127.0.0.1", **limits: float) -> AsyncIterator[int]:
    """The port it listens on."""
    (port,) = free_ports(1)
    listener = WireListener("the test", app, address, port, Limits(look_seconds=0.02, **limits))  # type: ignore[arg-type]
    await listener.start()
    try:
        yield port
    finally:
        await listener.stop(1)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """One whole answer of announced length."""
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            return head + await self.reader.readexactly(int(length[1]) if length else 0)

    async def rest(self) -> bytes:
        """Until the end of the connection."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def client(port: int, host: str = "127.0.0.1") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 16)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def ask(port: int, data: bytes) -> bytes:
    """Everything that is said to it until the connection ends."""
    async with client(port) as one:
        await one.say(data)
        return await one.rest()


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3})", said)]


def get(path: bytes = b"/", *fields: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: box\r\n" + b"".join(line + b"\r\n" for line in fields) + b"\r\n"


def post(body: bytes, *fields: bytes) -> bytes:
    lines = b"".join(line + b"\r\n" for line in fields)
    return b"POST / HTTP/1.1\r\nHost: box\r\nContent-Length: %d\r\n" % len(body) + lines + b"\r\n" + body


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


__all__ = ["Client", "Drip", "Echo", "Message", "ask", "client", "get", "has_ipv6", "listening", "post", "statuses"]
