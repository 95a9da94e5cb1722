"""What a round trip and a megabyte cost on both lanes and through a relay, beside plain TCP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.purpose import File, Ping
from appliance.mesh.lanes.stream import Stream
from tests.app.mesh.harness import HERE, Box, box, echo, quic_node
from tests.bench.report import Result, Row, median

ROUNDS = 5  # in turns, so that a busy machine is busy for all
ECHOES = 60
ECHO_BYTES = 16 * 1024
BULK = 64 << 20
QUIC_BULK = 6 << 20
PIECE = 384 * 1024
AT_REST = 8  # nodes, each connected with each
REST_SECONDS = 20.0

Echo = Callable[[], Awaitable[None]]
Bulk = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    echo: Echo
    bulk: Bulk


@dataclass(frozen=True, slots=True)
class Figures:
    echo_us: float
    mb_s: float
    cpu_ms_mb: float  # both ends


async def bench() -> Result:
    async with _ways() as ways:
        seen: dict[str, list[Figures]] = {way.name: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                seen[way.name].append(await _measured(way))
    typical = {name: _median(figures) for name, figures in seen.items()}
    rows = [_row(name, figures, typical["plain TCP"]) for name, figures in typical.items()]
    return Result(
        "lanes", "lanes: 16 KB there and back, bulk, both ends in one process", rows, notes=(await _at_rest(),)
    )


async def _measured(way: Way) -> Figures:
    began = time.perf_counter()
    for _ in range(ECHOES):
        await way.echo()
    echo_us = (time.perf_counter() - began) / ECHOES * 1e6
    began, cpu = time.perf_counter(), time.process_time()
    size = await way.bulk()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Figures(echo_us, size / seconds / 1e6, cpu * 1e3 / (size / 1e6))


def _median(figures: list[Figures]) -> Figures:
    return Figures(
        median([each.echo_us for each in figures]),
        median([each.mb_s for each in figures]),
        median([each.cpu_ms_mb for each in figures]),
    )


def _row(name: str, figures: Figures, plain: Figures) -> Row:
    return {
        "way": name,
        "echo us": figures.echo_us,
        "x": figures.echo_us / plain.echo_us,
        "MB/s": figures.mb_s,
        "share": figures.mb_s / plain.mb_s,
        "CPU ms/MB": figures.cpu_ms_mb,
    }


@asynccontextmanager
async def _ways() -> AsyncIterator[tuple[Way, ...]]:
    async def give(stream: Stream) -> None:
        for _ in range(0, BULK, PIECE):
            await stream.write(bytes(PIECE))

    async def piece(peer: Peer, payload: bytes) -> bytes:
        return bytes(PIECE)

    async def back(peer: Peer, payload: bytes) -> bytes:
        return payload

    handlers = {"ping": echo, "file": give}
    desk = Desk({"echo": back, "piece": piece})
    async with (
        _plain() as port,
        box() as relay,
        box(handlers, desk) as server,
        box() as near,
        box(relays=[relay]) as far,
    ):
        near.knows(server)
        far.knows(relay)
        server.knows(relay)
        await server.lanes.voice(relay.node)
        yield (
            await _tcp("plain TCP", port),
            await _lane("TLS lane", near, server),
            await _lane("TLS lane, relayed", far, server),
            await _quic("QUIC lane", near, server),
        )


@asynccontextmanager
async def _plain() -> AsyncIterator[int]:
    """Echoes, unless the first byte asks for bulk."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(PIECE):
                if data == b"!":
                    for _ in range(0, BULK, PIECE):
                        writer.write(bytes(PIECE))
                        await writer.drain()
                else:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HERE, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _tcp(name: str, port: int) -> Way:
    reader, writer = await asyncio.open_connection(HERE, port)
    payload = bytes(ECHO_BYTES)

    async def there_and_back() -> None:
        writer.write(payload)
        await reader.readexactly(ECHO_BYTES)

    async def bulk() -> int:
        writer.write(b"!")
        left = -(-BULK // PIECE) * PIECE
        whole = left
        while left:
            left -= len(await reader.read(PIECE))
        return whole

    return Way(name, there_and_back, bulk)


async def _lane(name: str, asker: Box, server: Box) -> Way:
    stream = await asker.lanes.reach(server.node, Ping())
    payload = bytes(ECHO_BYTES)

    async def there_and_back() -> None:
        await stream.write(payload)
        await stream.read_exactly(ECHO_BYTES)

    async def bulk() -> int:
        giving, came = await asker.lanes.reach(server.node, File("bulk")), 0
        while data := await giving.read():
            came += len(data)
        return came

    return Way(name, there_and_back, bulk)


async def _quic(name: str, asker: Box, server: Box) -> Way:
    payload = bytes(ECHO_BYTES)
    await asker.lanes.voice(server.node)

    async def there_and_back() -> None:
        await asker.lanes.ask(server.node, "echo", payload, 30.0)

    async def bulk() -> int:
        pieces = range(0, QUIC_BULK, PIECE)
        answers = await asyncio.gather(*(asker.lanes.ask(server.node, "piece", b"", 60.0) for _ in pieces))
        return sum(len(each) for each in answers)

    return Way(name, there_and_back, bulk)


async def _at_rest() -> str:
    """Connections on which nobody speaks."""
    async with contextlib.AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(quic_node()) for _ in range(AT_REST)]
        pairs = [(one, other) for at, one in enumerate(nodes) for other in nodes[at + 1 :]]
        cpu = time.process_time()
        for one, other in pairs:
            await one.dial(other)
        dialling = (time.process_time() - cpu) / len(pairs) * 1e3
        cpu = time.process_time()
        await asyncio.sleep(REST_SECONDS)
        share = (time.process_time() - cpu) / REST_SECONDS / len(pairs) * 100
    return (
        f"QUIC: a new connection costs {dialling:.1f} ms of CPU, both ends together; "
        f"one at rest {share:.4f} % of a core, both ends together."
    )
