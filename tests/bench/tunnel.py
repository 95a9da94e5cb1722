"""What it costs to have another box answer: both boxes on this machine, before the same pretended engine, in turns.

The way through the tunnel is compared with the very box that answers there, asked straight.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import cast

from appliance.mesh.lanes.purpose import Tunnel
from appliance.mesh.lanes.stream import Stream
from tests.app.mesh.harness import HERE, tls_node
from tests.bench.proxy_ways import Way, build, load, running
from tests.bench.report import Result, Row, median
from tests.live.box import free_ports

ROUNDS = 9
SECONDS = 1.0
STREAMS, RATE, EVENTS = 200, 50, 100
BODY = b"x" * (32 << 10)
TRIPS = 300
HERE_WAY, THERE_WAY = "answered here", "answered by another box"
BAR = (
    "32 KB there and back <= +250 us over TCP, a whole request p50 <= +1000 us, "
    "CPU of an event <= 2 x, both boxes together"
)
Figures = Mapping[str, float]


async def bench() -> Result:
    trips = await _trips()
    with tempfile.TemporaryDirectory() as folder, _both_ways(Path(folder)) as ways:
        measured = await asyncio.to_thread(_measure, ways)
    here, there = measured[HERE_WAY], measured[THERE_WAY]
    rows = [_row("32 KB there and back, us", trips["tcp"], trips["tls"])]
    rows += [_row(key, here[key], there[key]) for key in here]
    ratio = there["CPU of an event, us"] / here["CPU of an event, us"]
    met = trips["tls"] - trips["tcp"] <= 250 and there["whole request p50, us"] - here["whole request p50, us"] <= 1000
    note = f"An event costs {ratio:.2f} times as much processor time, both boxes together."
    return Result("tunnel", f"another box answers, medians of {ROUNDS}", rows, BAR, met and ratio <= 2, (note,))


def _row(what: str, here: float, there: float) -> Row:
    return {"what": what, "here": here, "there": there, "more": there - here}


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class _Asker(_Echo):
    """Sends a body and waits until all of it is back."""

    left = 0
    back: asyncio.Future[None]

    async def trip(self) -> None:
        self.left, self.back = len(BODY), asyncio.get_running_loop().create_future()
        self._transport.write(BODY)
        await self.back

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if not self.left:
            self.back.set_result(None)


async def _trips() -> dict[str, float]:
    """Microseconds, in turns over TCP and over the lane, both ends in this process."""
    async with _askers() as askers:
        times: dict[str, list[float]] = {name: [] for name in askers}
        for _ in range(TRIPS):
            for name, asker in askers.items():
                began = time.perf_counter()
                await asker.trip()
                times[name].append((time.perf_counter() - began) * 1e6)
    return {name: median(taken) for name, taken in times.items()}


@contextlib.asynccontextmanager
async def _askers() -> AsyncIterator[dict[str, _Asker]]:
    async def echo(stream: Stream) -> None:
        stream.detach(_Echo())

    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Echo, HERE, 0)
    async with tls_node({"tunnel": echo}) as there, tls_node() as here:
        stream = await here.dial(there, Tunnel())
        tls = _Asker()
        stream.detach(tls)
        _, tcp = await loop.create_connection(_Asker, HERE, server.sockets[0].getsockname()[1])
        yield {"tcp": tcp, "tls": tls}
    server.close()


@contextlib.contextmanager
def _both_ways(folder: Path) -> Iterator[list[Way]]:
    engine, here, there = free_ports(3)
    box = [sys.executable, "-m", "tests.bench.tunnel_box", secrets.token_hex(32)]
    lane = str(folder / "lane")
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([build("proxy_engine"), str(engine)], engine, folder / "engine.log"))
        serving = stack.enter_context(running([*box, str(here), lane, str(engine)], here, folder / "here.log"))
        asking = stack.enter_context(running([*box, str(there), lane], there, folder / "there.log"))
        yield [Way(HERE_WAY, here, (serving,)), Way(THERE_WAY, there, (serving, asking))]


def _measure(ways: list[Way]) -> dict[str, dict[str, float]]:
    rounds: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rounds[way.name].append(_one_round(way))
    return {name: {key: median([one[key] for one in taken]) for key in taken[0]} for name, taken in rounds.items()}


def _one_round(way: Way) -> Figures:
    single = load(way, 1, SECONDS, "whole")
    streams = load(way, STREAMS, 1, "stream", EVENTS, RATE)
    return {
        "whole request p50, us": single["first_p50"],
        "CPU of a whole request, us": single["processor"] / single["answers"] * 1e6,
        "CPU of an event, us": streams["processor"] / streams["events"] * 1e6,
    }
