"""Measures the way to a peer over a stream: bytes that come back, and as many bytes as it gives."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

from appliance.mesh.lanes.purpose import Measure
from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason

MOST = 32 << 20
CHUNK = 256 << 10
PINGS = 5
PING_BYTES = 64
SECONDS = 5.0

_NOISE = os.urandom(CHUNK)  # nothing on the way can make it smaller


async def echo(stream: Stream) -> None:
    """The handler of `Ping`."""
    try:
        async with asyncio.timeout(SECONDS):
            while data := await stream.read(CHUNK):
                await stream.write(data)
    except TimeoutError:
        stream.abort()


class Giver:
    """The handler of `Measure`: one at a time for each peer, since it fills the way."""

    def __init__(self) -> None:
        self._for: Counter[str] = Counter()

    async def __call__(self, stream: Stream) -> None:
        node, purpose = stream.peer.node, stream.purpose
        if not isinstance(purpose, Measure) or self._for[node]:
            return
        self._for[node] += 1
        try:
            async with asyncio.timeout(SECONDS):
                await _give(stream, min(purpose.size, MOST))
        except TimeoutError:
            stream.abort()
        finally:
            self._for -= Counter((node,))


async def _give(stream: Stream, size: int) -> None:
    view = memoryview(_NOISE)
    while size > 0:
        await stream.write(view[: min(size, CHUNK)])
        size -= CHUNK


async def round_trip(stream: Stream) -> float:
    """Seconds there and back: the smoothed time of a few."""
    rtt, loop = Rtt(), asyncio.get_running_loop()
    for _ in range(PINGS):
        began = loop.time()
        await stream.write(bytes(PING_BYTES))
        await stream.read_exactly(PING_BYTES)
        rtt.add(loop.time() - began)
    return rtt.least or 0.0


async def rate(stream: Stream, size: int) -> float:
    """Bytes a second, of as much as came in the time there is."""
    loop = asyncio.get_running_loop()
    began, came = loop.time(), 0
    try:
        async with asyncio.timeout(SECONDS):
            while came < size and (data := await stream.read()):
                came += len(data)
    except TimeoutError:
        pass
    if not came:
        raise LaneError(Reason.BUSY, "the peer gave nothing to measure; it may be measuring already")
    return came / max(loop.time() - began, 1e-6)
