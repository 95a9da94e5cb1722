"""Streams for minutes, among them many whose clients leave in the middle: what a box holds has to stay the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from appliance.tasks import TaskGroup
from tests.bench.proxy_ways import Way, build, plane_way, running
from tests.bench.report import Result, Row
from tests.live.box import free_ports
from tests.planes import DEFAULT_PLANE

SECONDS = int(os.environ.get("MESHBOX_SOAK_SECONDS", "60"))
LOOKS = 6
STREAMS, EVENTS, RATE = 500, 500, 20
LEAVERS, LEFT_AFTER = 20, 5  # clients at once that leave after so many events, and come again
BODY = b'{"model":"bench","messages":[],"stream":true,"n":1000,"rate":50}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: box\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
MORE_MB = 5.0  # from the second look to the last
Figures = Mapping[str, float]


async def bench() -> Result:
    (engine,) = free_ports(1)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, start = Path(name), stack.enter_context
        await asyncio.to_thread(start, running([build("proxy_engine"), str(engine)], engine, folder / "engine.log"))
        way = await asyncio.to_thread(start, plane_way(DEFAULT_PLANE, engine, folder))
        before = await _look(way, folder)
        during, left = await _soak(way, folder)
        await _until_calm(way, before)
        after = await _look(way, folder)
        await asyncio.to_thread(stack.close)
    rows: list[Row] = [{"when": "before", **before}, *during, {"when": "after", **after}]
    grown = after["files"] > before["files"] + 1 or after["tasks"] > before["tasks"]
    met = not grown and float(during[-1]["MB"] or 0) <= float(during[1]["MB"] or 0) + MORE_MB
    title = f"{STREAMS} streams of {RATE} events a second for {SECONDS} s, {left} clients left in the middle"
    return Result("soak", title, rows, f"no more than {MORE_MB:g} MB more, files and tasks as before", met)


async def _soak(way: Way, folder: Path) -> tuple[list[Row], int]:
    streams = await asyncio.to_thread(_streams, way.port)
    leavers, left = TaskGroup(), [0]
    for number in range(LEAVERS):
        leavers.start(f"leaver {number}", _leave_and_come(way.port, left))
    rows: list[Row] = []
    for number in range(1, LOOKS + 1):
        await asyncio.sleep(SECONDS / LOOKS)
        rows.append({"when": f"{SECONDS * number // LOOKS} s", **await _look(way, folder)})
    await leavers.close()
    streams.kill()
    await asyncio.to_thread(streams.wait)
    return rows, left[0]


def _streams(port: int) -> subprocess.Popen[bytes]:
    words = [build("proxy_load"), port, STREAMS, SECONDS, "stream", EVENTS, RATE]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)


async def _leave_and_come(port: int, left: list[int]) -> None:
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        for _ in range(LEFT_AFTER):
            await reader.readuntil(b"\n\n")
        writer.transport.abort()
        left[0] += 1


async def _look(way: Way, folder: Path) -> Figures:
    return await asyncio.to_thread(_figures, way, folder / f"{DEFAULT_PLANE}.log")


def _figures(way: Way, log: Path) -> Figures:
    """The plane says how many tasks it has when it is asked with a signal."""
    told = log.read_bytes().count(b"\n")
    os.kill(way.pids[0], signal.SIGUSR1)
    while (text := log.read_bytes()).count(b"\n") == told:
        pass
    tasks = next(int(line) for line in reversed(text.split()) if line.isdigit())
    return {"MB": way.memory_mb(), "files": _files(way), "tasks": tasks, "CPU s": way.processor_seconds()}


async def _until_calm(way: Way, before: Figures) -> None:
    """Idle connections to the engine go after two seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(15):
            while await asyncio.to_thread(_files, way) > before["files"] + 1:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.2)


def _files(way: Way) -> int:
    return len(list(Path(f"/proc/{way.pids[0]}/fd").iterdir()))
